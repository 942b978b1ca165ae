/** The public API. Everything here is documented where it is defined. */

export { createNode, type ForewarmNode } from './node/node.ts'
export type { NodeOptions } from './node/options.ts'
export type { FollowingOptions, FollowingPair } from './node/pairs-to-warm.ts'
export type { NamedPattern, NodePredictor, Recommendation, RecommendationOptions } from './node/prediction.ts'
export type { NodeStats } from './node/stats.ts'
export { createPricePublisher, type PricePublisher, type PricePublisherOptions } from './producers/price-updates.ts'
export type { WarmAsk, WarmPublisher, WarmReceipt } from './producers/warm-publisher.ts'
export type { PriceUpdate } from './schemas/price-update.ts'
export type { WarmRequest } from './schemas/warm-request.ts'
export type { WarmResult } from './schemas/warm-result.ts'
export { createKafkaBroker, type KafkaBrokerOptions } from './src/broker/kafka/broker.ts'
export { createMemoryBroker, type MemoryBroker, type MemoryBrokerOptions } from './src/broker/memory/broker.ts'
export { type Broker, BrokerError } from './src/broker/port.ts'
export type { HierarchyStats, LatencyStats, LevelStats } from './src/cache/hierarchy-stats.ts'
export type { JsonCache, JsonCacheOptions, JsonReading, SetOutcome } from './src/cache/json-cache.ts'
export type { Optimized } from './src/cache/optimizer.ts'
export { type Clock, systemClock, type VirtualClock, virtualClock } from './src/clock.ts'
export type { Overrides } from './src/config/settings.ts'
export { type AttachedPrices, attachPrices, type SharedPrices } from './src/detect/attached-prices.ts'
export { type Detector, type DetectorFunction, detector, type Subscription } from './src/detect/detector.ts'
export type { Prices } from './src/detect/prices.ts'
export type { Reading, ReadOptions } from './src/detect/reading.ts'
export { ForewarmError, type ForewarmErrorCode } from './src/forewarm-error.ts'
export type { ReplayOptions } from './src/replay/options.ts'
export { type RecordOptions, type RecordReport, record } from './src/replay/record.ts'
export { replay } from './src/replay/replay.ts'
export { ReplayError } from './src/replay/replay-error.ts'
export type { ReplayReport } from './src/replay/report.ts'
export type { GroupFigures, Improvement, WarmingFigures } from './src/warming/measurement.ts'
export { type Cache, type CacheOptions, createCache, type PriceValue } from './standalone/cache.ts'
export { createWarmPublisher, type WarmPublisherOptions } from './standalone/warm-publisher.ts'
export {
  type CacheWarming,
  type CacheWarmingOptions,
  type CacheWarmingStats,
  createWarming,
  type WarmReport,
} from './standalone/warming.ts'
