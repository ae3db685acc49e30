import type { Figure } from '../figure.js';
import { MqttBench } from './bench.js';
import { durableFigures, twinFigure } from './durable.js';
import { flowFigures, frozenFigure } from './flows.js';
import { growthFigure } from './growth.js';
import { connectsFigure, idleFigures } from './idle-connections.js';
import { latencyFigure } from './latencies.js';

/** The figures of the node's broker, each beside mosquitto and raw aedes in the same run. */
export function mqttFigures(): Figure[] {
  const bench = new MqttBench();
  return [
    growthFigure(bench),
    ...flowFigures(bench),
    latencyFigure(bench),
    ...idleFigures(bench),
    connectsFigure(bench),
    frozenFigure(bench),
    ...durableFigures(bench),
    twinFigure(bench),
  ];
}
