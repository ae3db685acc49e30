/** Version of this release: of hub, agent and command line alike. */
export const VERSION = '0.1.0';
