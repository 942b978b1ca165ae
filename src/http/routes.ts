import { withOpenApi } from './openapi.ts'
import type { Operations } from './operations.ts'
import type { Routes } from './route.ts'
import { cacheRoutes } from './routes/cache-routes.ts'
import { configRoutes } from './routes/config-routes.ts'
import { healthRoutes } from './routes/health-routes.ts'
import { predictorRoutes } from './routes/predictor-routes.ts'
import { rolloutRoutes } from './routes/rollout-routes.ts'
import { scheduleRoutes } from './routes/schedule-routes.ts'
import { warmingRoutes } from './routes/warming-routes.ts'

export function routesOf(operations: Operations, metricsEnabled: boolean): Routes {
  return withOpenApi({
    ...healthRoutes(operations, metricsEnabled),
    ...cacheRoutes(operations),
    ...predictorRoutes(operations),
    ...warmingRoutes(operations),
    ...scheduleRoutes(operations),
    ...configRoutes(operations),
    ...rolloutRoutes(operations),
  })
}
