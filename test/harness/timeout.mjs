// Jest takes testTimeout for all projects or none, hence this file for those that wait for real brokers.
import { jest } from '@jest/globals'

jest.setTimeout(60_000)
