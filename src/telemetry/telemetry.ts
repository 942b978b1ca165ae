import type { Telemetry, TelemetryOptions } from './sdk.ts'

/** Starts OpenTelemetry. The SDK takes 0.2–0.3 s to load, which only who starts a node should wait for. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { startSdk } = await import('./sdk.ts')
  return startSdk(options)
}
