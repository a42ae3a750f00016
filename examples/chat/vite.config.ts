import { defineConfig } from 'vite';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // The package runs in every browser with the web's own streams. Each of these browsers preloads modules by the links
  // in the page.
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    // A slow machine needs no warning.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
