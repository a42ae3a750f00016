/** The words of the page, in English. Other languages have the same words, see `Words`. */
export const EN = {
  language: 'English',
  locale: 'en',
  direction: 'ltr' as 'ltr' | 'rtl',

  // --- getting about ---
  app: 'Puente chat',
  back: 'Back',
  chats: 'Chats',
  settings: 'Settings',
  storage: 'Storage and data',
  proxy: 'Proxy',
  languages: 'Language',
  on: 'On',
  off: 'Off',
  isElsewhere: 'The chat is open in another window of this browser.',
  useHere: 'Use it here',
  noServer: 'This page cannot find out where its chat server is.',
  noIdentity:
    'This browser keeps your identity in a form that cannot be read. Nothing was changed. To begin anew, delete what this site keeps in the browser.',
  reload: 'Load again',

  // --- the connection ---
  states: {
    connecting: 'Connecting…',
    online: 'Online',
    reconnecting: 'Reconnecting…',
    resumed: 'Back, nothing lost',
    offline: 'No connection',
  },
  throughProxy: 'through a proxy',
  seemsBlocked: 'The chat server cannot be reached: this network seems to block it.',
  isOffline: 'This device has no network.',
  useAProxy: 'Use a proxy',
  proxySettings: 'Proxy settings',

  // --- people ---
  addContact: 'Add a contact',
  noContacts: 'Nobody here yet. Send somebody your code, and add them by theirs.',
  yourCode: 'Your code',
  yourCodeIs: 'Whoever has it can write to you. Send it by a way that you trust.',
  contactCode: 'Their code',
  contactCodeIs: '43 letters and digits; they find it in Settings, under Your code.',
  notACode: 'This is no contact code: it has 43 letters, digits, - and _.',
  ownCode: 'This is your own code.',
  tooMany: 'There is no room for more contacts.',
  name: 'Name',
  add: 'Add',
  copy: 'Copy',
  copied: 'Copied',
  qrOf: 'Your code, as a QR code',
  unread: (count: string) => `${count} unread`,
  chooseSomebody: 'Choose somebody to write to.',
  unknown: (code: string) => `Unknown ${code}`,
  rename: 'Change name',
  removeContact: 'Remove contact',
  removesAll: (name: string) => `Remove ${name}, and all that you have written to each other?`,

  // --- a conversation ---
  write: 'Message',
  send: 'Send',
  sealed: 'Messages are sealed for the two of you: neither the server nor a proxy can read them.',
  earlier: 'Earlier messages',
  today: 'Today',
  progress: {
    waiting: 'Waiting to be sent',
    sent: 'Sent',
    delivered: 'Delivered',
  },
  you: 'You',
  outboxFull: 'Too many messages wait to be sent.',
  conversationWith: (name: string) => `Conversation with ${name}`,

  // --- Settings → Storage and data → Proxy ---
  useProxy: 'Use proxy',
  useProxyWhen: 'For networks that block the chat server. The proxy cannot read what it passes on.',
  address: 'Proxy address',
  addressIs: 'The link of a relay, or only its host. With a link nobody can pose as the relay: it is safer.',
  paste: 'Paste',
  cannotPaste: 'The browser does not let this page read the clipboard: paste into the field.',
  qrImage: 'QR image',
  noQr: 'No QR code was found in this image.',
  noQrReader: 'The QR reader could not be loaded. Try again when the network works.',
  save: 'Save',
  checking: 'Checking…',
  stages: {
    dns: 'The name is known',
    tcp: 'The proxy takes the connection',
    tls: 'TLS',
    upgrade: 'It answers',
    hello: 'The proxy is reached',
    grant: 'It lets you in',
    backend: 'It reaches the chat server',
    answer: 'The chat server answers',
    bulk: '64 KiB there and back',
  },
  connectedIn: (ms: string) => `Connected in ${ms} ms`,
  noAddress: 'No address yet: the proxy is not in use.',
  fails: 'Not connected',
  keptAnyway: 'The address is saved all the same, and the app goes on trying.',
  keyKept: 'There was no key in this address. The relay was asked for it, and it is kept from now on.',
  again: 'Check again',
  tryNext: (host: string) => `Try the next address: ${host}`,
  saved: 'Saved addresses',
  inUse: 'In use',
  remove: (host: string) => `Remove ${host}`,
  /** Sentences by code, in place of the package's own sentences, which are English. */
  causes: {} as Partial<Record<string, Cause>>,
  /** Sentences by code for a proxy that works. */
  remarks: {} as Partial<Record<string, string>>,
};

export interface Cause {
  message: string;
  next: string;
}

export type Words = typeof EN;
