import { defineConfig } from 'vite';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // Every browser with the web's own streams, in which the package runs, has modules preloaded by the links in the page.
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    // A slow machine is no news.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
