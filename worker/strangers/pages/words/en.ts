import type { Words } from './words.ts';

export const en: Words = {
  title: 'A relay for chat',
  intro:
    'This is a relay: it passes encrypted messages on to a chat service, for people whose network blocks it. A volunteer runs it, at no cost to you, with the free program Puente (“bridge”). It cannot read the messages, and it keeps no record of who uses it.',
  languages: 'Languages',

  link: {
    heading: 'The link',
    link: 'For an app that speaks Puente. The link holds the relay’s key, by which the app knows that nobody poses as the relay.',
    address: 'The address alone, for an app that asks for no more. Where you can, use the link.',
    copyLink: 'Copy the link',
    copyAddress: 'Copy the address',
    qrTitle: 'QR code',
    qr: 'The link as a QR code, to scan with another device.',
  },

  check: {
    heading: 'Does it work here?',
    asks: 'The check goes the whole way from this browser: to the relay, and through it to the chat service, whose own answer must come back. It logs in nowhere. It asks',
    asksRelay:
      'The check goes from this browser to the relay, and sends 64 KiB there and back. It does not try the chat service: none on this relay’s list answers whoever asks.',
    start: 'Check now',
    needsScript: 'The check needs JavaScript. Everything else on this page works without it.',
    stages: {
      hello: 'This browser reaches the relay',
      grant: 'The relay lets it in',
      backend: 'The relay reaches the chat service',
      answer: 'The chat service answers',
      bulk: '64 KiB go there and back',
    },
    running: 'Checking. It takes a second or two, and up to a minute where something is wrong.',
    works: 'It works. The chat service’s answer was here after {time}.',
    reached: 'The relay works. Its answer was here after {time}.',
    remarks: {
      limited: {
        says: 'Whether the network lets much data through was not tried: the relay allows that once a minute.',
        next: 'To try that as well, check again in a minute.',
      },
      version: {
        says: 'Whether the network lets much data through was not tried: this relay’s version cannot do that.',
        next: 'Load this page again.',
      },
    },
    failed: 'It does not work:',
    states: { ok: 'done', failed: 'failed' },
    broken: 'The check stopped. Load this page again, or try a newer browser.',
    copied: 'Copied.',
  },
  failures: undefined,

  use: {
    heading: 'How to use it',
    honest:
      'WhatsApp’s own app does not take this address by itself: its proxy setting expects another kind of server. There are two ways.',
    speaking: {
      heading: 'In an app that speaks Puente',
      before: [
        'Copy the link above, or scan the QR code.',
        'In the app, open Settings → Storage and data → Proxy. Some apps have it in another place.',
        'Paste the link, save, and wait for the green tick.',
      ],
      after: [],
      note: 'If the sign stays red, the app says why, and what to do.',
    },
    gateway: {
      heading: 'In WhatsApp as it is, with a computer',
      before: [
        'Take a computer with Linux, macOS or Windows (with WSL) in the same network as the phone, and get Puente there: its README says how.',
        'In Puente’s folder, run this. It prints what to type into the phone.',
      ],
      after: [
        'On the phone, open WhatsApp’s Settings → Storage and data → Proxy → Use proxy → Set proxy. Type what the command printed, with the chat and media ports, save, and wait for the green tick.',
      ],
      note: 'Calls are not carried. Everybody in that network can use the computer’s ports while the command runs. This was not tried with a phone yet.',
    },
    forward: {
      heading: 'In any app that has a proxy setting, with a computer',
      before: [
        'Take a computer with Linux, macOS or Windows (with WSL), and get Puente there: its README says how.',
        'In Puente’s folder, run this.',
      ],
      after: ['In the app, set a SOCKS5 proxy: server 127.0.0.1, port 1080, no password.'],
      note: 'It leads to the chat services on the relay’s list, and nowhere else.',
    },
  },

  sees: {
    heading: 'Who can see what',
    cannot: {
      heading: 'The volunteer cannot see',
      items: [
        'what you write, send or receive',
        'with whom you chat',
        'your account, telephone number or password',
        'your address (IP): the relay writes down nothing about you',
      ],
    },
    can: {
      heading: 'What can be seen',
      items: [
        'The volunteer sees how much the relay is used in all.',
        'Cloudflare, which runs the relay’s program, sees your address, which chat service is called, when, and how much.',
        'Your network sees that you connect to this address, when, and how much.',
        'The chat service sees what it always sees of your account, but not your address.',
      ],
    },
    plain:
      'This relay also leads to chat services that take messages without encryption. What an app sends them without encryption, the volunteer and Cloudflare could read.',
    note: 'This is true of Puente as it is published. A volunteer could run something else in its place, which might note your address. Even that could not read what the app itself encrypts.',
  },

  counts: {
    heading: 'How much it is used',
    period: 'Counted over',
    sessions: 'Sessions carried',
    bytes: 'Data carried',
    refused: 'Sessions refused',
    about: 'These are sums. Nothing is counted of any one person.',
  },
};
