import { isDeepStrictEqual } from 'node:util';
import { type AppSpec, type DesiredApp, EdgeError, type Labels } from '@selvage/protocol';

/** The caller's part of an app. */
export interface AppWrite {
  readonly labels: Labels;
  readonly spec: AppSpec;
}

/** What identifies an app on a node. */
export interface AppIdentity {
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
}

/** An app as nodes get it. */
export function desiredApp({ name, uid, revision }: AppIdentity, spec: AppSpec): DesiredApp {
  const { containers, imagePullSecret } = spec;
  return { name, uid, revision, containers, ...(imagePullSecret === undefined ? {} : { imagePullSecret }) };
}

/** Bytes that an app takes in the section `apps` of a node. */
export function sizeOf(identity: AppIdentity, spec: AppSpec): number {
  // The revision that it gets has at most ten digits, and a comma parts it from the next app.
  return Buffer.byteLength(JSON.stringify(desiredApp({ ...identity, revision: 1_000_000_000 }, spec)), 'utf8') + 1;
}

/** The host ports of an app, each once, as `80/tcp`. */
export function hostPortsOf({ containers }: Pick<AppSpec, 'containers'>): string[] {
  const all = containers.flatMap(({ ports }) => ports.map(({ hostPort, protocol }) => `${hostPort}/${protocol}`));
  return [...new Set(all)];
}

/** Whether a write would leave an app as it is. */
export function unchanged(app: AppWrite, write: AppWrite): boolean {
  return isDeepStrictEqual({ ...app.labels }, { ...write.labels }) && isDeepStrictEqual(app.spec, write.spec);
}

/** The refusal of an app that would make a node's desired state larger than it may be. */
export function tooMuch(node: string, bytes: number, limit: number): EdgeError {
  return new EdgeError(
    'bad_request',
    `The apps of node "${node}" would take ${bytes} bytes; at most ${limit} fit. Make the app smaller or place it elsewhere.`,
  );
}
