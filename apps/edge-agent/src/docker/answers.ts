/** The engine's answers, parsed at the door: only what the agent uses, in the shapes of the port. */
import { z } from 'zod';
import { EdgeError } from '@selvage/protocol';
import {
  type Container,
  type ContainerLine,
  containerPhases,
  type EngineEvent,
  type Image,
  type Volume,
} from './docker.js';

/** Seconds that the engine gives a container that says nothing. */
const ENGINE_STOP_TIMEOUT = 10;

const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

const version = z.object({ Version: z.string(), ApiVersion: z.string(), Arch: z.string(), Os: z.string() });
const info = z.object({ Driver: z.string() });

const heldPort = z
  .object({ IP: z.string().default(''), PublicPort: z.number().optional(), Type: z.string() })
  .transform(({ IP, PublicPort, Type }) => ({ hostIp: IP, hostPort: PublicPort ?? 0, protocol: Type }));

const line = z
  .object({ Id: z.string(), Names: z.array(z.string()).nullish(), Labels: labels, Ports: z.array(heldPort).nullish() })
  .transform(({ Id, Names, Labels, Ports }): ContainerLine => ({
    id: Id,
    name: plainName(Names?.[0] ?? ''),
    labels: Labels,
    ports: (Ports ?? []).filter(({ hostPort }) => hostPort > 0),
  }));

/** A moment, or nothing for the engine's "never", which is the year 1. */
const moment = z.string().transform((text) => (text.startsWith('0001-') ? undefined : text));

const bindings = z
  .record(z.string(), z.array(z.object({ HostIp: z.string().default(''), HostPort: z.string() })).nullable())
  .nullish();

const container = z
  .object({
    Id: z.string(),
    Name: z.string(),
    Created: z.string(),
    State: z.object({
      Status: z.enum(containerPhases),
      ExitCode: z.int(),
      OOMKilled: z.boolean().default(false),
      StartedAt: moment,
      FinishedAt: moment,
    }),
    Config: z.object({ Labels: labels, Image: z.string(), StopTimeout: z.int().nullish() }),
    HostConfig: z.object({ PortBindings: bindings }),
  })
  .transform(({ Id, Name, Created, State, Config, HostConfig }): Container => ({
    id: Id,
    name: plainName(Name),
    labels: Config.Labels,
    phase: State.Status,
    image: Config.Image,
    stopTimeout: Config.StopTimeout ?? ENGINE_STOP_TIMEOUT,
    createdAt: Created,
    ...(State.StartedAt !== undefined && { startedAt: State.StartedAt }),
    ...(State.FinishedAt !== undefined && { finishedAt: State.FinishedAt }),
    exitCode: State.ExitCode,
    outOfMemory: State.OOMKilled,
    ports: boundPorts(HostConfig.PortBindings ?? {}),
  }));

function boundPorts(bound: NonNullable<z.infer<typeof bindings>>): Container['ports'] {
  return Object.entries(bound).flatMap(([key, places]) =>
    (places ?? []).map(({ HostIp, HostPort }) => ({
      hostIp: HostIp,
      hostPort: Number(HostPort),
      protocol: key.split('/')[1] ?? 'tcp',
    })),
  );
}

const image = z
  .object({
    Id: z.string(),
    RepoDigests: z.array(z.string()).nullish(),
    Architecture: z.string(),
    Os: z.string(),
  })
  .transform(({ Id, RepoDigests, Architecture, Os }): Image => ({
    id: Id,
    digests: RepoDigests ?? [],
    arch: Architecture,
    os: Os,
  }));

const volume = z
  .object({ Name: z.string(), Labels: labels })
  .transform(({ Name, Labels }): Volume => ({ name: Name, labels: Labels }));

const event = z
  .object({ Action: z.string(), Actor: z.object({ ID: z.string() }) })
  .transform(({ Action, Actor }): EngineEvent => ({ action: Action, id: Actor.ID }));

/** One line of a pull's progress. */
const progress = z.object({ status: z.string().optional(), error: z.string().optional() });

export const answers = {
  version,
  info,
  lines: z.array(line),
  container,
  created: z.object({ Id: z.string() }),
  image,
  volume,
  volumes: z.object({ Volumes: z.array(volume).nullish() }).transform(({ Volumes }) => Volumes ?? []),
  event,
  progress,
};

/** @throws EdgeError `docker_error` when the answer does not have the expected form. */
export function read<S extends z.ZodType>(schema: S, answer: unknown): z.infer<S> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new EdgeError('docker_error', 'The engine answered in a form that is not its API.', { cause: parsed.error });
}

function plainName(name: string): string {
  return name.startsWith('/') ? name.slice(1) : name;
}
