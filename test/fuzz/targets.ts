/** Everything that reads what a stranger, a peer or a relay may have made up. */
import { carrierTarget } from './carrier.ts';
import { dnsTarget } from './dns.ts';
import { framesTarget } from './frames.ts';
import { grantTarget, sealedGrantTarget } from './grant.ts';
import { helloTarget, linkTarget, offerTarget, sealedHelloTarget } from './hello.ts';
import { clientSessionTarget, relaySessionTarget } from './session.ts';
import type { Target } from './target.ts';

export const targets: Target[] = [
  linkTarget,
  offerTarget,
  helloTarget,
  sealedHelloTarget,
  grantTarget,
  sealedGrantTarget,
  framesTarget,
  carrierTarget,
  clientSessionTarget,
  relaySessionTarget,
  dnsTarget,
];
