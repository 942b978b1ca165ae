/** All in milliseconds, but for the bytes. */
export interface ConsumerTiming {
  /** How long a fetch waits for records. */
  readonly maxWaitMs: number
  /** Metadata is looked at so often: new partitions and topics are noticed at most so late. */
  readonly metadataAgeMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** The name of a static member; undefined: not one. */
  readonly groupInstanceId: string | undefined
  readonly commitIntervalMs: number
  /** A batch without progress for longer is stuck: its membership is no longer kept alive. */
  readonly stuckAfterMs: number
  /** For the farewell to a broker that may be gone. */
  readonly closeTimeoutMs: number
  readonly maxBytes: number
  readonly maxBytesPerPartition: number
}
