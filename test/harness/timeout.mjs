// For what hangs, not for what is slow: `until` gives up long before, also one of several in a test, and says what it has
// waited for in vain. Jest takes testTimeout for all projects or none, hence this file.
import { jest } from '@jest/globals'

jest.setTimeout(180_000)
