const base = {
  transform: { '\\.ts$': '<rootDir>/test/harness/strip-types.mjs' },
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironment: 'node',
  setupFilesAfterEnv: ['<rootDir>/test/harness/timeout.mjs'],
}

/**
 * unit needs nothing but Node; integration needs the real Kafka and Redis that test/harness/run.ts starts (or finds);
 * long holds what takes minutes.
 */
// biome-ignore lint/style/noDefaultExport: Jest looks for one.
export default {
  maxWorkers: 2,
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/test/integration/', '/test/long/'],
    },
    { ...base, displayName: 'integration', testMatch: ['<rootDir>/test/integration/**/*.test.ts'] },
    { ...base, displayName: 'long', testMatch: ['<rootDir>/test/long/**/*.test.ts'] },
  ],
}
