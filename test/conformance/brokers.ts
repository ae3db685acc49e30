import type { BrokerUnderTest } from './broker-under-test.js';
import { Mosquitto } from './brokers/mosquitto.js';
import { RawAedes } from './brokers/raw-aedes.js';
import type { Deviation } from './deviations/deviation.js';
import { mosquittoDeviations } from './deviations/mosquitto.js';
import { rawAedesDeviations } from './deviations/raw-aedes.js';

/** A broker that the suite is run against, with what it is known to do otherwise. */
export interface Candidate {
  readonly broker: BrokerUnderTest;
  readonly deviations: readonly Deviation[];
}

/**
 * The brokers that are run; no other file decides it.
 *
 * The seam for our own broker: a class in `brokers/` that implements `BrokerUnderTest` over the agent's broker floor, on a
 * folder of its own, with an access rule that lets every client do everything, whose `restart` is SIGKILL and start; and
 * one entry here with an empty list of deviations.
 */
export const candidates: readonly Candidate[] = [
  { broker: new Mosquitto(), deviations: mosquittoDeviations },
  { broker: new RawAedes(), deviations: rawAedesDeviations },
];
