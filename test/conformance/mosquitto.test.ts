import { Mosquitto } from './brokers/mosquitto.js';
import { mosquittoDeviations } from './deviations/mosquitto.js';
import { conforms } from './suite.js';

conforms(new Mosquitto(), mosquittoDeviations);
