import { cacheRoutes } from './cache-routes.ts'
import { healthRoutes } from './health-routes.ts'
import type { Operations } from './operations.ts'
import { predictorRoutes } from './predictor-routes.ts'
import type { Routes } from './route.ts'

export function routesOf(operations: Operations, metricsEnabled: boolean): Routes {
  return { ...healthRoutes(operations, metricsEnabled), ...cacheRoutes(operations), ...predictorRoutes(operations) }
}
