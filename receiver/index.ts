/** What a program that embeds the receiver may use; the SDK is `runledger/sdk`. */

export { type Config, ConfigError, loadConfig, secretValues } from './config.ts';
export { StartError } from './listen.ts';
export { createLog, type Logger, type LogOptions } from './log.ts';
export { type Receiver, type ReceiverOptions, startReceiver } from './main.ts';
export { runUntilSignal } from './signals.ts';
