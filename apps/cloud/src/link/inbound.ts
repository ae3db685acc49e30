import { Injectable } from '@nestjs/common';
import { nodeKey, type NodeRef } from '@selvage/protocol';
import type { z } from 'zod';
import type { Transaction } from '../db/index.js';
import type { Written } from './reported-hashes.service.js';
import { said } from './said.js';

/** One reported section of one node, parsed. `at` is when it came, ISO 8601. */
export interface InboundReport<T> {
  readonly ref: NodeRef;
  readonly value: T;
  readonly at: string;
}

/** What a slice does with one section of what nodes report. */
export interface InboundHandler<T> {
  /** Name of the section, `facts` for instance. */
  readonly section: string;
  readonly schema: z.ZodType<T>;
  /** Writes what follows from the reports of many nodes, one per node, with a bounded number of queries. */
  apply(tx: Transaction, reports: readonly InboundReport<T>[]): Promise<void>;
  /** Told after the transaction is committed: for the live feed and for pokes. */
  committed?(reports: readonly InboundReport<T>[]): void;
}

/** A section's newest reports, waiting to be written together: of each node the latest only. */
export interface Intake {
  /** Takes the value of a node's section. Throws when it does not have the section's form. */
  take(arrival: Arrival): void;
  readonly waiting: number;
  /** Up to so many of them, which then no longer wait. */
  batch(limit: number): Batch;
}

/** A section as it came: `value` is what its JSON says. */
export interface Arrival extends Written {
  readonly value: unknown;
  readonly at: string;
}

/** Reports that are written in one transaction. */
export interface Batch {
  readonly written: readonly Written[];
  /** Those of its reports that are among these. */
  among(some: readonly Written[]): Batch;
  apply(tx: Transaction): Promise<void>;
  committed(): void;
}

/** Where slices say which reported sections they take. */
@Injectable()
export class InboundRegistry {
  private readonly intakes = new Map<string, Intake>();

  add<T>(handler: InboundHandler<T>): void {
    this.intakes.set(handler.section, new TypedIntake(handler));
  }

  get(section: string): Intake | undefined {
    return this.intakes.get(section);
  }

  get all(): Iterable<Intake> {
    return this.intakes.values();
  }
}

class TypedIntake<T> implements Intake {
  private readonly reports = new Map<string, InboundReport<T> & Written>();

  constructor(private readonly handler: InboundHandler<T>) {}

  get waiting(): number {
    return this.reports.size;
  }

  take({ value, ...arrival }: Arrival): void {
    const parsed = said(this.handler.schema, value);
    const key = nodeKey(arrival.ref);
    // Taken out first, so that a node which reports all the time does not keep the front place.
    this.reports.delete(key);
    this.reports.set(key, { ...arrival, value: parsed });
  }

  batch(limit: number): Batch {
    const reports = [...this.reports.values()].slice(0, limit);
    for (const { ref } of reports) this.reports.delete(nodeKey(ref));
    return batchOf(this.handler, reports);
  }
}

function batchOf<T>(handler: InboundHandler<T>, reports: readonly (InboundReport<T> & Written)[]): Batch {
  return {
    written: reports,
    among: (some) => {
      const wanted = new Set(some);
      return batchOf(
        handler,
        reports.filter((report) => wanted.has(report)),
      );
    },
    apply: (tx) => handler.apply(tx, reports),
    committed: () => handler.committed?.(reports),
  };
}
