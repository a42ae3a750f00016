/**
 * Every limit, size and timeout that a peer can see, with its reason: the numbers of the specification (docs/protocol.md and
 * docs/policy.md; a test compares them). Sizes are in bytes, times in milliseconds unless the name says otherwise.
 */

// --- the upgrade request ---------------------------------------------------------------------------------------

/** `Sec-WebSocket-Protocol` as a whole. A post-quantum TLS ClientHello (1.6 KB) must fit in base64url; proxies and
 * Cloudflare accept single headers well above this, and under the 16 KB curtain every byte counts. */
export const OFFER_CHARS_MAX = 4096;

/** The subprotocol that proves that its sender has the link, and that the relay echoes: short, as it travels in both directions. Nobody
 * guesses 96 bits, one request for each guess. */
export const TOKEN_BYTES = 12;

/** The same in base64url. */
export const TOKEN_CHARS = 16;

/** Random characters behind it, at most: no upgrade request has a constant length, and as the relay echoes them, no answer either. They
 * travel twice, so this many are what the 512 bytes leave that the whole set-up may take for random lengths. */
export const TOKEN_TAIL_MAX = 95;

/** Message 1 of the handshake: what is left of the header beside the longest token, a comma and a space, decoded. */
export const HELLO_MAX = 2987;

/** Message 1 adds an ephemeral key (32) and a tag (16) to its payload. */
export const HELLO_OVERHEAD = 48;

/** A hello's payload is padded to a multiple of this, so that its length says little of the backend's name. */
export const HELLO_PAD = 256;

/** And by a random number of bytes beyond that, up to this many: with the token's tail some 150 lengths, for 84 characters at most. */
export const HELLO_PAD_RANDOM = 63;

/** Where bytes are counted, an open hello begins at a multiple of this: the shortest of many says no more of the backend's name. */
export const HELLO_PAD_LIMITED = 64;

/** App bytes in a hello: what the largest backend name and invite leave. */
export const EARLY_DATA_MAX = 2304;

/** A DNS name, as text (RFC 1035 section 2.3.4). */
export const HOST_CHARS_MAX = 253;

/** `host:port`: a port has at most five digits. */
export const BACKEND_CHARS_MAX = HOST_CHARS_MAX + ':65535'.length;

/** An invite: its length is one byte. */
export const INVITE_MAX = 255;

/** Random, so that nobody who sees one id in `REVOKED` learns another: 2^24 invites before two share one. */
export const INVITE_ID = 6;

/** 128 bits: nobody forges one by guessing. */
export const INVITE_MAC = 16;

/** What an invite's other fields leave: 1 + INVITE_ID + 4 + 2 + 1 and INVITE_MAC. */
export const INVITE_BACKENDS_MAX = 225;

/** How far a hello's time may be from the relay's clock: phones are rarely further off, and a replay cache for twice
 * this long stays small. */
export const HELLO_AGE_MAX = 5 * 60_000;

/** Hellos remembered against replay by one isolate, or one hub: they take 12 MiB at most, and as many holders as send all they may
 * (HELLOS_PER_MINUTE) for ten minutes fill it. A full memory refuses with `full`. */
export const REPLAY_CACHE_MAX = 524_288;

/** Hellos in a minute from one source, of every kind. A phone on a network that freezes connections makes 120, as its handshakes follow
 * each other 500 ms apart; behind one address there are some phones. */
export const HELLOS_PER_MINUTE = 1200;

/** The same of all sources with one invite. */
export const HELLOS_PER_INVITE_PER_MINUTE = 3000;

// --- the grant -------------------------------------------------------------------------------------------------

/** A grant's payload has a random length between these, and a refusal the same, so that nobody can tell one from the other. The longest
 * session id fits the shortest. */
export const GRANT_PAYLOAD_MIN = 96;
export const GRANT_PAYLOAD_MAX = 255;

/** The most on a path that carries only so much. */
export const GRANT_PAYLOAD_LIMITED = 128;

/** A session id is the relay's own business (it names the hub); this bounds what a client must hold. */
export const SESSION_ID_MAX = 64;

// --- records and frames ----------------------------------------------------------------------------------------

/** One sealed record, one WebSocket message: a Noise message's maximum (Noise section 3). It is also what keeps one
 * TCP write under 65,536 bytes, above which Cloudflare kills the connection. */
export const RECORD_MAX = 65_535;

/** The AES-GCM tag. */
export const TAG = 16;

/** App bytes in one record. Leaves room for the tag, an ACK, a PONG, a FIN and two DATA headers. */
export const DATA_MAX = 65_000;

/** Records sealed under one key. NIST SP 800-38D allows 2^32 invocations; a session that gets there (256 TiB of full
 * records) is reset instead of wrapping. */
export const RECORDS_PER_KEY_MAX = 2 ** 32;

/** The first records in each direction carry up to this much random padding: the flights of the TLS handshake inside
 * have lengths that a classifier knows. */
export const PAD_MAX = 512;
export const PADDED_RECORDS = 8;

/** A record without DATA carries up to this much random padding: ACKs, PINGs and PONGs are then as long as a chat's own small
 * messages. An idle hour takes less than 40 KB with it, all headers included, also over IPv6. */
export const LONE_PAD_MAX = 79;

/** Records that wait to be opened. A peer that keeps to its credit and fills its packets stays far below a window
 * and a half; this is where one that floods is reset. */
export const UNOPENED_MAX = 3 * 1024 * 1024;

/** A record of a few bytes costs its queue far more than its length, so the number of those that wait is bounded
 * too. A sender coalesces the writes of one tick, so this many in one tick of the receiver is a flood. */
export const UNOPENED_RECORDS_MAX = 8192;

/** Records that may be sent before a PING must prove that the peer gets them. Rarely reached before a whole replay
 * buffer of bytes is; well below `UNOPENED_RECORDS_MAX`, at which a peer that never answers is reset. */
export const PROOF_RECORDS = 512;

/** On a network that lets a connection carry only so much, a record counts as one packet with its headers (TLS 22, WebSocket
 * 8), and as no less than this: 25 packets and 16 KB, the two limits that are known (https://github.com/net4people/bbs/issues/490),
 * are then one. */
export const RECORD_COST_MIN = 640;
export const RECORD_HEADERS = 30;

/** App bytes in a record there: with its headers it fills a packet, so that none is lost for half of it. */
export const PACKET_DATA = 1300;

// --- windows ---------------------------------------------------------------------------------------------------

/** Each direction of a session starts here, so that 1,024 sessions fit an isolate. More than twice a TCP connection's first
 * flight (RFC 6928: about 14 KB), and it doubles as fast: no start is slower for it. */
export const WINDOW_INITIAL = 32 * 1024;

/** 2 MiB carry some 50 Mbit/s at a round trip of 240 ms; and on a fast path they last while V8 collects garbage at the other end: with
 * half as much a download is slower (docs/performance.md). */
export const WINDOW_MAX = 2 * 1024 * 1024;

/** A window doubles when a whole one was used within this time, the longest round trip that is worth filling: by satellite it is 600 ms.
 * A chat that takes an hour for 64 KiB never needs more, and the largest is for more than a MiB a second. */
export const WINDOW_GROWTH_TIME = 1000;

// --- time ------------------------------------------------------------------------------------------------------

/** New data is acknowledged after a random time between these, or by the next DATA: few packets for a chat, and a sender's replay
 * buffer is freed soon enough. A constant time would be a mark that nothing hides. */
export const ACK_DELAY_MIN = 125;
export const ACK_DELAY = 250;

/** The relay sends a record after a silence of random length between these: Cloudflare and middleboxes drop idle WebSockets after a
 * minute or more, and outgoing messages are free. */
export const KEEPALIVE_MIN = 20_000;
export const KEEPALIVE = 30_000;

/** After this much silence of a relay that keeps alive every 30 s the client asks, with a PING. */
export const PROBE_AFTER = 40_000;

/** An unanswered PING ends a carrier after this time. */
export const PROBE_TIMEOUT = 10_000;

/** In a resumable session what the client sends asks for an answer this often, at random times between these: it costs the relay a
 * record, which is free, and the client none. */
export const PING_EVERY_MIN = 1000;
export const PING_EVERY = 1500;

/** In a resumable session a carrier counts as stalled when an answer or ACK takes longer than this, or than four round
 * trips: below it a mobile network that pauses would be taken for one that is cut. Doubles, up to the second. */
export const STALL_MIN = 5000;
export const STALL_MAX = 30_000;

/** The same where carriers are known to freeze: they do it often, and another is opened beside them at little cost. */
export const STALL_MIN_LIMITED = 1000;

/** A session whose client sends nothing within this time of the grant is closed: the client of a replayed hello
 * cannot, as it does not know the keys. */
export const FIRST_RECORD_TIMEOUT = 10_000;

/** How long the relay waits for a backend to accept. A refusal must reach the client within 10 s of its hello. */
export const BACKEND_TIMEOUT = 8000;

/** From the client's first attempt to the grant: name, TCP and TLS to the relay, then the relay's own 8 s. */
export const OPEN_TIMEOUT = 20_000;

/** A resuming carrier that has no grant by then is given up for the next: the relay has nothing to connect. */
export const RESUME_TIMEOUT = 8000;

/** Between two attempts to resume, at most: the first is made at once, the others at random times that grow to this. */
export const RESUME_PAUSE_MAX = 1500;

/** How long the client waits for the app's first bytes, to send them in the hello. An app that speaks first does so
 * in the tick in which it has its socket; one that listens first loses this once. */
export const EARLY_DATA_WAIT = 5;

/** A closed socket's last bytes get this long to move on, to the peer or to the backend, before they are given up. */
export const LINGER = 10_000;

/** What a host publishes is waited for so long: the key of a relay that is given by its bare name, or a list of relays. */
export const DISCOVERY_TIMEOUT = 10_000;

/** Characters of it: a hundred links with the longest invites take 42,000. */
export const DISCOVERY_MAX = 65_536;

/** A session in which neither app nor backend said anything for so long is reset. NATs must keep a silent connection for two
 * hours and four minutes (RFC 5382 REQ-5), so no app relies on more. */
export const IDLE_MAX = 7_440_000;

/** The same once the backend has finished and its client has all of it: NATs may forget a connection that is half closed after four
 * minutes (RFC 5382 REQ-5). */
export const HALF_CLOSED_MAX = 240_000;

/** A client that answers nothing for so long loses its carrier. Phones that wake up answer within seconds. */
export const ANSWER_TIMEOUT = 30_000;

// --- the check ---------------------------------------------------------------------------------------------------

/** What a check sends to the relay and gets back, exactly: more than networks that freeze connections let through (16 KB, or 25
 * packets). */
export const CHECK_BYTES = 65_536;

/** How long the relay keeps a check: its sixteen parts at a round trip of a second, and a stall. And a status, which is one part. */
export const CHECK_TIME = 30_000;

/** Checks of one source in a minute, as wrangler.toml says it: they cost traffic and lead nowhere. */
export const CHECKS_PER_MINUTE = 1;

// --- several relays ---------------------------------------------------------------------------------------------

/** Each relay that is raced begins so long after the one before: as RFC 8305 section 5 recommends for addresses. */
export const RACE_GAP = 250;

/** Relays that are tried at a time: more handshakes at once with hosts that a network suspects are a sign of their own. */
export const RACE_MAX = 3;

/** The relay that worked last is given twice the time that it usually takes to open a session, and no less than this, before
 * others are tried beside it: two lost packets are no reason to. */
export const HEAD_START_MIN = 1000;

/** An attempt that takes longer makes room for a relay that waits for its turn: more than the four round trips of a slow network
 * take, and so little that nine silent relays leave time for a tenth within OPEN_TIMEOUT. Where none waits, it may go on. */
export const ATTEMPT_TIMEOUT = 6000;

/** A relay that has failed is left alone for the first, doubled with each further failure in a row, up to the second. */
export const RETRY_MIN = 1000;
export const RETRY_MAX = 5 * 60_000;

/** Entries of a list of relays that are read, and characters of its message that are shown. */
export const RELAYS_MAX = 100;
export const MESSAGE_CHARS_MAX = 1000;

// --- counters ---------------------------------------------------------------------------------------------------

/** Bytes of a status that its client takes: ninety days with every code are 30,000. */
export const STATUS_MAX = 65_536;

/** How long the token of a status is good: for clocks that are a little off, as a hello itself is good for five minutes. */
export const STATUS_TOKEN_TIME = 10 * 60_000;
