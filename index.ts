// biome-ignore-all assist/source/organizeImports: sorted by what a user does, as docs/api.md shows it
/** The public API. docs/api.md lists it; each export is documented where it is defined. */

// Running a node.
export type { ForewarmNode, NodeConfig } from './node/api/forewarm-node.ts'
export { createNode } from './node/node.ts'
export type { NodeOptions } from './node/options.ts'
export type { NodeStats } from './node/stats.ts'
export type { StrategyComparison, StrategyFigures } from './src/warming/arms/comparison.ts'
export type { Estimate } from './src/warming/arms/random-groups.ts'
export type { NodeRollout, RolloutStatus, ShadowReport } from './node/rollout/handle.ts'
export type { RolloutAuthor, RolloutOutcome, RolloutVersion } from './src/rollout/rollout-change.ts'
export type { RolloutChange, RolloutProblem, RolloutValue } from './src/rollout/rollout-value.ts'
export type { RolloutMode } from './schemas/control/rollout-modes.ts'
export type { ControlAct } from './schemas/control/control-record.ts'
export type { GroupFigures, Improvement, WarmingFigures, WarmingRatios } from './src/warming/measurement.ts'
export type { FollowingOptions, FollowingPair } from './node/pairs-to-warm.ts'
export type { PairToWarm } from './src/correlation/pair-to-warm.ts'
export type {
  NamedPattern,
  NodePredictor,
  Recommendation,
  RecommendationOptions,
} from './src/prediction/node-predictor.ts'
export type { Kind as RecommendationKind } from './src/prediction/proposal.ts'
export type { AccessPattern } from './src/prediction/pattern.ts'
export type { PairReads, PatternsDocument } from './src/prediction/patterns-document.ts'
export type { PredictorStats } from './src/prediction/predictor.ts'
export type { Session } from './src/prediction/sessions.ts'
export type { Environment } from './src/config/environment.ts'
export type { Origin } from './src/config/problem.ts'
export type { Config, Overrides, Profile } from './src/config/settings.ts'

// Detectors and the prices that they read.
export {
  type Detector,
  type DetectorFunction,
  detector,
  type OutputFunction,
  type Subscription,
} from './src/detect/detector.ts'
export { type Delisting, type FormatFunction, type FormatMapping, format } from './src/formats/function-format.ts'
export type { FormatRule } from './src/formats/formats.ts'
export type { Extra, PriceUpdate } from './schemas/price-update.ts'
export type { Prices } from './src/detect/prices.ts'
export type { Absence } from './src/cache/absences.ts'
export type { Unaccepted } from './src/cache/price-reads.ts'
export type { NoReading, Reading, ReadOptions } from './src/detect/reading.ts'
export type { DetectorStats } from './src/detect/runner.ts'
export { type AttachedPrices, attachPrices, type SharedPrices } from './src/detect/attached-prices.ts'

// Publishing warm requests and prices.
export { createWarmPublisher, type WarmPublisherOptions } from './standalone/warm-publisher.ts'
export type { WarmAsk, WarmPublisher } from './producers/warm-publisher.ts'
export type { WarmReceipt } from './producers/warm-waiter.ts'
export type { NodeResult, RequestFacts, Task, TaskState } from './src/tasks/task.ts'
export type { Origin as WarmOrigin, Priority, WarmRequest } from './schemas/warm-request.ts'
export type { WarmOutcome, WarmResult, WarmStatus } from './schemas/warm-result.ts'
export { createPricePublisher, type PricePublisher, type PricePublisherOptions } from './producers/price-updates.ts'
export type { MicroBatcherOptions } from './src/broker/micro-batch.ts'

// Recording and replaying.
export { type RecordOptions, type RecordReport, record } from './src/replay/record.ts'
export { replay } from './src/replay/replay.ts'
export type * from './src/replay/options.ts'
export type { ReplayReport } from './src/replay/report.ts'
export { ReplayError, type ReplayErrorCode } from './src/replay/replay-error.ts'
export type { Content } from './src/replay/content.ts'
export type { FilterReason } from './src/replay/filter.ts'
export type { ReplayTime, Speed } from './src/replay/pace.ts'
export type { ReplayProgress } from './src/replay/progress.ts'
export type { ReplayRecord } from './src/replay/replay-record.ts'
export type { OutputFormat } from './src/replay/sink/output.ts'
export type { InProcessSink } from './src/replay/sink/process.ts'
export type { ReplayTarget } from './src/replay/sink/sink.ts'
export type { BadLine, OnBadLine } from './src/replay/source/bad-line.ts'
export type { LostRecords, SourceOrigin } from './src/replay/source/source.ts'
export type { Timestamps } from './src/replay/timestamps.ts'

// Strategies.
export { adaptive, aggressive, conservative, threshold, timeBased, topN } from './src/warming/strategies/built-in.ts'
export type {
  OwnStrategy,
  StrategyCandidate,
  StrategyContext,
  StrategySelection,
} from './src/strategy/own-strategy.ts'
export type { AdaptiveOptions } from './src/strategy/adaptive.ts'
export type { StrategyFields } from './src/strategy/choice.ts'
export type { StrategyName } from './src/strategy/named.ts'
export type { CandidateKind } from './src/strategy/strategy.ts'

// Caches without Kafka.
export { type AnyCache, type Cache, type CacheOptions, createCache, type PriceValue } from './standalone/cache.ts'
export type { DeleteOutcome, SetOutcome } from './standalone/levels.ts'
export { type CacheWarming, type CacheWarmingOptions, createWarming } from './standalone/warming/warming.ts'
export {
  type AdaptiveFields,
  createAdaptiveWarming,
  createThresholdWarming,
  createTimeBasedWarming,
  createTopNWarming,
  type FactoryOptions,
  type LimitOptions,
} from './standalone/warming/factories.ts'
export type { CacheMetrics, CacheMetricsConfig } from './standalone/warming/metrics.ts'
export type {
  CachePredictor,
  CachePredictorStats,
  PredictedPair,
  RecordedAccess,
} from './standalone/warming/predictor.ts'
export type { CacheWarmerStats, StrategyStats, WarmRefused, WarmReport } from './standalone/warming/report.ts'
export type {
  CacheRollout,
  CacheRolloutChange,
  CacheRolloutStatus,
  RolloutGate,
} from './standalone/warming/rollout.ts'
export type { ProposingStrategy } from './schemas/warm-request.ts'
export type { CycleResult, EndedCycle, SchedulerStatus, WarmingScheduler } from './standalone/warming/scheduler.ts'
export type { CachePairToWarm, CacheTracker, CacheTrackerStats } from './standalone/warming/tracker.ts'
export type { CacheWarmer } from './standalone/warming/warmer.ts'
export type { WarmerChanges, WarmerConfig } from './standalone/warming/warmer-config.ts'
export type { WarmCounts } from './src/cache/l1/usage.ts'
export type { HierarchyStats, LatencyStats, LevelStats } from './src/cache/hierarchy-stats.ts'
export type * from './standalone/json-cache.ts'
export type { JsonOf, JsonValue } from './src/cache/values/json-value.ts'
export type { Optimized } from './src/cache/optimizer.ts'

// Brokers.
export { BatchError } from './src/broker/batch-error.ts'
export { createKafkaBroker, type KafkaBrokerOptions } from './src/broker/kafka/broker.ts'
export type { ClientOptions, PasswordSasl } from './src/broker/kafka/client.ts'
export type { CodecName } from './src/broker/kafka/compression.ts'
export { createMemoryBroker, type MemoryBroker, type MemoryBrokerOptions } from './src/broker/memory/broker.ts'
export type * from './src/broker/port.ts'
export { BrokerError } from './src/broker/port.ts'

// Clocks and errors.
export { type Clock, systemClock, type VirtualClock, virtualClock } from './src/clock.ts'
export type { Timer } from './src/timer.ts'
export { ForewarmError, type ForewarmErrorCode } from './src/forewarm-error.ts'
export type { KafkaRecord } from './src/kafka-record.ts'
export type { NamedPair } from './schemas/price-object.ts'
export type { RunKind, RunResult, RunState } from './schemas/control/schedule-run.ts'
export type { LastRun, ScheduleFacts, SchedulesStatus } from './src/schedules/status.ts'
