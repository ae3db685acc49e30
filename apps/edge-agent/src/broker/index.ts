export type { Grants, Place, Principal } from './acl.js';
export { Bus, type Message, type Taker } from './bus.js';
export { type Broker, type BrokerStatus, createBroker, type CreateBrokerOptions } from './create-broker.js';
export type { Peer } from './inner.js';
export type { ListenerShown } from './listener.js';
export { Listeners, type ListenersConfig, type TlsListenerConfig } from './listeners.js';
export { type Admission, type BrokerOptions, type ClientShown, type Introduction, MqttBroker } from './mqtt-broker.js';
export type { Records } from './session-store.js';
export { WebSocketDoor } from './ws-door.js';
