/**
 * Published vectors for Noise_NK_25519_AESGCM_SHA256: the entry of that name in the cacophony test vectors
 * (`tests/vectors/cacophony.txt`, as shipped with the snow crate). All values are hex.
 */
export const NOISE_NK = {
  prologue: '4a6f686e2047616c74',
  clientEphemeralSecret: '893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a',
  relayPublicKey: '31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62',
  relaySecret: '4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893',
  relayEphemeralSecret: 'bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b',
  /** Hello, grant, then transport messages of the client's and the relay's in turn. */
  messages: [
    {
      payload: '4c756477696720766f6e204d69736573',
      ciphertext:
        'ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c794475ab4d66d222457dd414bc5f296bc7b4078cc7d72af5192628b68bca7d28844b',
    },
    {
      payload: '4d757272617920526f746862617264',
      ciphertext:
        '95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884303c7d89310502baa8299520ba451624c3c0492e2698f8d457c32400b91fd8a',
    },
    { payload: '462e20412e20486179656b', ciphertext: '304f70c37c93573099228016d54cb15213af94eb598d1b17df1153' },
    { payload: '4361726c204d656e676572', ciphertext: 'a1bf6c954529f29b31d8ae9f67d2c18dbd332aa1a0918690c6d80b' },
    {
      payload: '4a65616e2d426170746973746520536179',
      ciphertext: '2e8f3e51888360b2b2d83a64dde9943c7dd3c5e84ac7c4b4e2d5cfc025b6c854d3',
    },
    {
      payload: '457567656e2042f6686d20766f6e2042617765726b',
      ciphertext: '8498bf41212a8b87c9eeb408274c75b3558fd0530865b5a7932d4b3af812d85b3df27e6f33',
    },
  ],
};
