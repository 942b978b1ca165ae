// Ends a test that hangs. A slow one fails earlier: each `until` of a test times out long before, and says what it waited
// for. Jest has testTimeout only for all projects together, hence this file.
import { jest } from '@jest/globals'

jest.setTimeout(180_000)
