/** The files that start workerd on a server, and keep it running: a systemd unit, or a container. */

import { SESSIONS_USUAL } from '../../client/cli/issue-invite.ts';
import { slotsOfOne } from '../../worker/admission/slots.ts';
import type { Access } from '../../worker/config.ts';
import { HUB_SESSIONS_MAX } from '../../worker/session/hubs.ts';
import { CERTIFICATE, PRIVATE_KEY, SCRIPT, type Socket } from './workerd-config.ts';

/** Where the unit expects the files, and workerd. */
export const FOLDER = '/etc/relay';
export const WORKERD = '/usr/local/bin/workerd';
export const CONFIG = 'relay.capnp';
export const ENVIRONMENT = 'relay.env';
/** The folder where the hubs keep their counts: the one place that the service can write. */
export const STATE = '/var/lib/relay';
/** The uid and gid in the container, which belong to nobody. */
const CONTAINER_USER = 10001;

/**
 * Systemd's own word for the folder of the files that LoadCredential names. There a user who may not read the original
 * can read the file.
 */
const CREDENTIALS = `\${CREDENTIALS_DIRECTORY}`;

/** Paths on the server. */
export interface Tls {
  cert: string;
  key: string;
}

/** MiB that workerd takes beside messages: 1,024 sessions with windows that have grown. */
const MEMORY_BASE = 512;

/** MiB of a WebSocket message. Workerd holds the whole message while it comes in, before the relay sees any of it. */
const MESSAGE_MAX = 32;

/**
 * MiB that workerd may take. The limit is so large that one link holder does not reach it: with an invite as it is
 * usually made, or in an open relay from one source.
 */
export function memoryMax(access: Access): number {
  return MEMORY_BASE + MESSAGE_MAX * (access === 'open' ? slotsOfOne(HUB_SESSIONS_MAX) : SESSIONS_USUAL);
}

/**
 * @param port a port below 1024 needs a capability; a higher port needs none
 * @param tls given where workerd itself speaks TLS
 */
export function systemdUnit(port: number, tls: Tls | undefined, access: Access): string {
  const capability = port < 1024 ? 'CAP_NET_BIND_SERVICE' : '';
  return `[Unit]
Description=A website
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=${WORKERD} serve ${tls ? `--import-path=${CREDENTIALS} ` : ''}${CONFIG}
WorkingDirectory=${FOLDER}
# Read by systemd as root; the service's own user cannot open it.
EnvironmentFile=${FOLDER}/${ENVIRONMENT}
${tls ? `LoadCredential=${CERTIFICATE}:${tls.cert}\nLoadCredential=${PRIVATE_KEY}:${tls.key}\n` : ''}# What workerd says can name the addresses that its users go to. To find a fault, comment this out, or run it by hand.
StandardOutput=null
StandardError=null
Restart=always
RestartSec=1
# It would wait for open sessions, which end with it in any case.
TimeoutStopSec=1
# Four for each of at most 1,024 sessions. And those of connections that a chat service has reset: workerd keeps them
# until V8 collects them, and 4,000 were seen at a time.
LimitNOFILE=65536
# More than one link holder can make it take; a server with less ends it sooner, and it is started again.
MemoryMax=${memoryMax(access)}M

DynamicUser=yes
StateDirectory=${STATE.slice('/var/lib/'.length)}
StateDirectoryMode=0700
AmbientCapabilities=${capability}
CapabilityBoundingSet=${capability}
NoNewPrivileges=yes
# Not MemoryDenyWriteExecute: V8 compiles JavaScript.
LockPersonality=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
# V8 guards its own memory with keys.
SystemCallFilter=@system-service @pkey
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

/** The port in a container; the host maps its own port to this port. */
export const containerPort = (tls: boolean): number => (tls ? 8443 : 8080);
/** Where the container finds cert.pem and key.pem. */
export const CONTAINER_TLS = '/run/tls';

/**
 * The key comes with the container's environment, and a certificate's files with a mount: neither is in the image.
 * @param version of the npm package `workerd`
 */
export function containerfile(version: string, { name, tls }: Socket): string {
  const command = [
    WORKERD,
    'serve',
    ...(tls ? [`--import-path=${CONTAINER_TLS}`] : []),
    // Listen on all addresses: loopback here is the container's own.
    `--socket-addr=${name}=*:${containerPort(tls)}`,
    CONFIG,
  ];
  return `FROM docker.io/library/node:24-bookworm-slim AS workerd
RUN npm install --prefix /workerd workerd@${version} \\
 && cp /workerd/node_modules/@cloudflare/workerd-linux-*/bin/workerd ${WORKERD}

FROM docker.io/library/debian:bookworm-slim
# For the site of DECOY_URL; and what a volume begins with.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \\
 && install --directory --mode=700 --owner=${CONTAINER_USER} --group=${CONTAINER_USER} ${STATE}
COPY --from=workerd ${WORKERD} ${WORKERD}
COPY --chmod=444 ${SCRIPT} ${CONFIG} ${FOLDER}/
WORKDIR ${FOLDER}
USER ${CONTAINER_USER}:${CONTAINER_USER}
EXPOSE ${containerPort(tls)}
ENTRYPOINT ${JSON.stringify(command)}
`;
}
