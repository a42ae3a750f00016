/**
 * Every limit, size and timeout that a peer can see, with its reason. The numbers are those of the specification
 * (docs/protocol.md and docs/policy.md); a test compares them. Sizes are in bytes and times in milliseconds, unless the
 * name says otherwise.
 */

// --- the upgrade request ---------------------------------------------------------------------------------------

/**
 * The whole `Sec-WebSocket-Protocol` header. A post-quantum TLS ClientHello (1.6 KB) must fit in it, as base64url.
 * Proxies and Cloudflare accept single headers well above this size. Under the 16 KB curtain every byte counts.
 */
export const OFFER_CHARS_MAX = 4096;

/**
 * The token: a subprotocol that proves that its sender has the link. The relay echoes the token, so it travels in both
 * directions and is short. Nobody guesses 96 bits when each guess takes one request.
 */
export const TOKEN_BYTES = 12;

/** The token's characters in base64url. */
export const TOKEN_CHARS = 16;

/**
 * The most random characters after the token. They give every upgrade request a random length, and every answer too, as
 * the relay echoes them. The whole set-up may take 512 bytes for random lengths. The tail travels twice, so this is
 * what those 512 bytes leave for it.
 */
export const TOKEN_TAIL_MAX = 95;

/** The longest message 1 of the handshake: the header, less the longest token, a comma and a space, decoded. */
export const HELLO_MAX = 2987;

/** Message 1 adds an ephemeral key (32) and a tag (16) to its payload. */
export const HELLO_OVERHEAD = 48;

/** A hello's payload is padded to a multiple of this, so that its length says little about the backend's name. */
export const HELLO_PAD = 256;

/**
 * The most padding beyond that multiple; the number of bytes is random. With the token's tail it gives some 150
 * lengths, and costs 84 characters at most.
 */
export const HELLO_PAD_RANDOM = 63;

/**
 * Where bytes are counted, the random length of an open hello begins at a multiple of this. The shortest of many hellos
 * then says no more about the backend's name than that multiple.
 */
export const HELLO_PAD_LIMITED = 64;

/** The most app bytes in a hello: the space that the largest backend name and invite leave. */
export const EARLY_DATA_MAX = 2304;

/** A DNS name, as text (RFC 1035 section 2.3.4). */
export const HOST_CHARS_MAX = 253;

/** `host:port`: a port has at most five digits. */
export const BACKEND_CHARS_MAX = HOST_CHARS_MAX + ':65535'.length;

/** The longest invite: a hello gives the invite's length in one byte. */
export const INVITE_MAX = 255;

/**
 * An invite's id is random, so that a reader of one id in `REVOKED` learns no other. It takes 2^24 invites until two
 * share one id.
 */
export const INVITE_ID = 6;

/** An invite's MAC, 128 bits: nobody forges one by guessing. */
export const INVITE_MAC = 16;

/** The space that an invite's other fields leave for its backends: 1 + INVITE_ID + 4 + 2 + 1 and INVITE_MAC. */
export const INVITE_BACKENDS_MAX = 225;

/**
 * The largest difference between a hello's time and the relay's clock. Phones are rarely further off. A replay cache
 * for twice this time stays small.
 */
export const HELLO_AGE_MAX = 5 * 60_000;

/**
 * Hellos that one isolate, or one hub, remembers against replay. They take 12 MiB at most. As many holders as send all
 * that they may (HELLOS_PER_MINUTE) for ten minutes fill this memory. A full memory refuses with `full`.
 */
export const REPLAY_CACHE_MAX = 524_288;

/**
 * Hellos per minute from one source, of every kind. On a network that freezes connections one phone makes 120, as its
 * handshakes follow each other 500 ms apart. A few phones share one address.
 */
export const HELLOS_PER_MINUTE = 1200;

/** Hellos per minute from all sources with one invite. */
export const HELLOS_PER_INVITE_PER_MINUTE = 3000;

// --- the grant -------------------------------------------------------------------------------------------------

/**
 * A grant's payload has a random length between these. So has a refusal's, so that nobody can tell a refusal from a
 * grant. The longest session id fits the shortest payload.
 */
export const GRANT_PAYLOAD_MIN = 96;
export const GRANT_PAYLOAD_MAX = 255;

/** The longest grant payload on a path that limits how much a connection carries. */
export const GRANT_PAYLOAD_LIMITED = 128;

/** The longest session id. Only the relay reads the id (it names the hub); this bounds what a client must hold. */
export const SESSION_ID_MAX = 64;

// --- records and frames ----------------------------------------------------------------------------------------

/**
 * One sealed record, which is one WebSocket message: the maximum of a Noise message (Noise section 3). This also keeps
 * one TCP write under 65,536 bytes: Cloudflare kills the connection above that size.
 */
export const RECORD_MAX = 65_535;

/** The AES-GCM tag. */
export const TAG = 16;

/** The most app bytes in one record. The rest is room for the tag, an ACK, a PONG, a FIN and two DATA headers. */
export const DATA_MAX = 65_000;

/**
 * Records sealed under one key. NIST SP 800-38D allows 2^32 invocations. A session that reaches this number (256 TiB of
 * full records) is reset, so that the counter does not wrap.
 */
export const RECORDS_PER_KEY_MAX = 2 ** 32;

/**
 * The first PADDED_RECORDS records in each direction carry up to PAD_MAX bytes of padding, of random length. The TLS
 * handshake inside consists of flights whose lengths a classifier knows.
 */
export const PAD_MAX = 512;
export const PADDED_RECORDS = 8;

/**
 * A record without DATA carries up to this much padding, of random length. ACKs, PINGs and PONGs are then as long as a
 * chat's own small messages. With this padding an idle hour takes less than 40 KB, all headers included, also over
 * IPv6.
 */
export const LONE_PAD_MAX = 79;

/**
 * Bytes of the records that wait to be opened. A peer that keeps to its credit and fills its packets stays far below a
 * window and a half. A peer that floods is reset here.
 */
export const UNOPENED_MAX = 3 * 1024 * 1024;

/**
 * Records that wait to be opened. A record of a few bytes costs its queue far more than its length, so the number of
 * waiting records is bounded too. A sender coalesces the writes of one tick, so this many records in one tick of the
 * receiver are a flood.
 */
export const UNOPENED_RECORDS_MAX = 8192;

/**
 * Records that may be sent before a PING must prove that the peer gets them. A sender usually fills its replay buffer
 * before it reaches this number. The number is well below `UNOPENED_RECORDS_MAX`, at which a peer that never answers is
 * reset.
 */
export const PROOF_RECORDS = 512;

/**
 * On a network that limits how much a connection carries, each record counts as one packet. Count the record with its
 * headers (TLS 22, WebSocket 8), and as no less than RECORD_COST_MIN. The two limits that are known, 25 packets and 16
 * KB (https://github.com/net4people/bbs/issues/490), are then one.
 */
export const RECORD_COST_MIN = 640;
export const RECORD_HEADERS = 30;

/**
 * App bytes in one record on such a network. With its headers the record fills one packet, so that no packet is wasted
 * half empty.
 */
export const PACKET_DATA = 1300;

// --- windows ---------------------------------------------------------------------------------------------------

/**
 * The first window of each direction of a session, so that 1,024 sessions fit an isolate. It is more than twice a TCP
 * connection's first flight (RFC 6928: about 14 KB), and it doubles as fast. No start is slower for it.
 */
export const WINDOW_INITIAL = 32 * 1024;

/**
 * The largest window. 2 MiB carry some 50 Mbit/s at a round trip of 240 ms. On a fast path they last while V8 collects
 * garbage at the other end: with half as much a download is slower (docs/performance.md).
 */
export const WINDOW_MAX = 2 * 1024 * 1024;

/**
 * A window doubles when a whole window was used within this time, the longest round trip that is worth filling. By
 * satellite a round trip is 600 ms. A chat that takes an hour for 64 KiB never needs a larger window. The largest
 * window is for more than a MiB a second.
 */
export const WINDOW_GROWTH_TIME = 1000;

// --- time ------------------------------------------------------------------------------------------------------

/**
 * Acknowledge new data after a random time between these, or with the next DATA. A chat then takes few packets, and a
 * sender's replay buffer is freed soon enough. A constant time would be a mark that nothing hides.
 */
export const ACK_DELAY_MIN = 125;
export const ACK_DELAY = 250;

/**
 * The relay sends a record after a silence of random length between these. Cloudflare and middleboxes drop idle
 * WebSockets after a minute or more. Outgoing messages are free.
 */
export const KEEPALIVE_MIN = 20_000;
export const KEEPALIVE = 30_000;

/** The client sends a PING after this much silence of a relay, which keeps alive every 30 s. */
export const PROBE_AFTER = 40_000;

/** An unanswered PING ends a carrier after this time. */
export const PROBE_TIMEOUT = 10_000;

/**
 * In a resumable session a client to which DATA comes sends a PING this often, at random times between these. The answer
 * costs the relay a record, which is free. It costs the client none.
 */
export const PING_EVERY_MIN = 1000;
export const PING_EVERY = 1500;

/**
 * In a resumable session a carrier counts as stalled when an answer or ACK takes longer than this time. The time is
 * STALL_MIN, or four round trips if those are longer. A shorter time would take a mobile network that pauses for one
 * that is cut. The time doubles, up to STALL_MAX.
 */
export const STALL_MIN = 5000;
export const STALL_MAX = 30_000;

/**
 * STALL_MIN for a path where carriers are known to freeze. They freeze often there, and another carrier opens beside
 * them at little cost.
 */
export const STALL_MIN_LIMITED = 1000;

/**
 * A session is closed when its client sends nothing within this time of the grant. The client of a replayed hello
 * cannot send: it does not know the keys.
 */
export const FIRST_RECORD_TIMEOUT = 10_000;

/** How long the relay waits for a backend to accept. A refusal must reach the client within 10 s of its hello. */
export const BACKEND_TIMEOUT = 8000;

/** The time from the client's first attempt to the grant: name, TCP and TLS to the relay, then the relay's own 8 s. */
export const OPEN_TIMEOUT = 20_000;

/**
 * A resuming carrier that has no grant after this time is given up for the next one. To resume, the relay has nothing
 * to connect.
 */
export const RESUME_TIMEOUT = 8000;

/**
 * The longest pause between two attempts to resume. The first attempt is made at once. The others follow at random
 * times that grow to this.
 */
export const RESUME_PAUSE_MAX = 1500;

/**
 * How long the client waits for the app's first bytes, to send them in the hello. An app that speaks first writes in
 * the tick in which it gets its socket. An app that listens first loses this time once.
 */
export const EARLY_DATA_WAIT = 5;

/** How long a closed socket's last bytes have to move on, to the peer or to the backend, before they are given up. */
export const LINGER = 10_000;

/**
 * How long to wait for what a host publishes: the key of a relay that is given by its bare name, or a list of relays.
 */
export const DISCOVERY_TIMEOUT = 10_000;

/** The most characters of such a publication. A hundred links with the longest invites take 42,000. */
export const DISCOVERY_MAX = 65_536;

/**
 * A session is reset when neither app nor backend has sent anything for this time. NATs must keep a silent connection
 * for two hours and four minutes (RFC 5382 REQ-5), so no app relies on more.
 */
export const IDLE_MAX = 7_440_000;

/**
 * The same limit once the backend has finished and its client has the whole stream. NATs may forget a half-closed
 * connection after four minutes (RFC 5382 REQ-5).
 */
export const HALF_CLOSED_MAX = 240_000;

/** A client that answers nothing for this time loses its carrier. Phones that wake up answer within seconds. */
export const ANSWER_TIMEOUT = 30_000;

// --- the check ---------------------------------------------------------------------------------------------------

/**
 * The exact number of bytes that a check sends to the relay and gets back. Networks that freeze connections let less
 * through (16 KB, or 25 packets).
 */
export const CHECK_BYTES = 65_536;

/**
 * How long the relay keeps a check: its sixteen parts at a round trip of a second, and a stall. A status, which is one
 * part, is kept as long.
 */
export const CHECK_TIME = 30_000;

/** Checks of one source in a minute, as wrangler.toml says. Checks cost traffic and lead nowhere. */
export const CHECKS_PER_MINUTE = 1;

// --- several relays ---------------------------------------------------------------------------------------------

/** The time between the starts of two raced relays. RFC 8305 section 5 recommends it for addresses. */
export const RACE_GAP = 250;

/**
 * Relays that are tried at a time. More handshakes at once with hosts that a network suspects would be suspicious in
 * themselves.
 */
export const RACE_MAX = 3;

/**
 * The relay that worked last is tried alone first. It gets twice the time that it usually takes to open a session, and
 * no less than this. Two lost packets are no reason to try others beside it.
 */
export const HEAD_START_MIN = 1000;

/**
 * An attempt that takes longer makes room for a relay that waits for its turn. The time is more than the four round
 * trips of a slow network take. It is so short that nine silent relays leave time for a tenth within OPEN_TIMEOUT.
 * Where no relay waits, the attempt may go on.
 */
export const ATTEMPT_TIMEOUT = 6000;

/**
 * A relay that has failed is left alone for RETRY_MIN. Each further failure in a row doubles the time, up to RETRY_MAX.
 */
export const RETRY_MIN = 1000;
export const RETRY_MAX = 5 * 60_000;

/** Read this many entries of a list of relays, and show this many characters of its message. */
export const RELAYS_MAX = 100;
export const MESSAGE_CHARS_MAX = 1000;

// --- counters ---------------------------------------------------------------------------------------------------

/** The most bytes of a status that its client accepts. Ninety days with every code are 30,000. */
export const STATUS_MAX = 65_536;

/** How long the token of a status is valid. Clocks may be a little off; a hello itself is valid for five minutes. */
export const STATUS_TOKEN_TIME = 10 * 60_000;
