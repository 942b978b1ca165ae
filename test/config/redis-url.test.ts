import { expect, test } from '@jest/globals'
import { describeConfig, loadConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

function load(url: string) {
  return loadConfig({ env: { REDIS_URL: url }, readFile: () => undefined })
}

test.each([
  'redis://h/abc',
  'redis://h/-1',
  'redis://h/1/2',
  'redis://h/1/',
  'redis://h/01',
  'redis://h/1.5',
  'redis://h//1',
  'redis://h/%31',
  'redis://h:0',
  'redis://h:65536',
  'redis://h:port',
  'redis://:100%off@h',
  'redis://100%off:x@h',
  'redis://us%e:secret@h',
  'redis://h%zz',
  'redis://h/1\t2',
  'redis://',
  'redis:///0',
  'http://h',
  'h:6379',
  'redis://one,redis://h/abc',
])('the REDIS_URL %s is refused as a setting, and named', (url) => {
  const outcome = load(url)
  expect(outcome.status === 'refused' && describeProblems(outcome.problems)).toContain('REDIS_URL')
})

test.each([
  'redis://h',
  'redis://h/',
  'redis://h/0',
  'redis://h:6380/15',
  'rediss://user:p%40ss%2Fword@redis.example.com:6380/3',
  'redis://:quiet@[::1]:6379/0',
  'redis://redis_1:6379',
])('the REDIS_URL %s is taken', (url) => {
  expect(load(url).status).toBe('loaded')
})

test.each([
  'redis://:hid/den@secret@h',
  'redis://:hidden@sec/ret@h:6379/0',
  'redis://user:hid%den@secret@h',
  'redis://:hidden/secret',
])('no part of the password in %s is told by the error that refuses it', (url) => {
  const outcome = load(url)
  const told = outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
  expect(told).toContain('REDIS_URL')
  for (const part of ['hid', 'den', 'sec', 'ret']) expect(told.replace('it is a secret', '')).not.toContain(part)
})

test('a password with an @ is masked as a whole where the configuration is printed', () => {
  const outcome = load('redis://user:hid@den@h:1/2,redis://:a@b@h:2')
  const printed = (url: string) => {
    const loaded = load(url)
    return loaded.status === 'loaded'
      ? describeConfig(loaded).find(({ name }) => name === 'REDIS_URL')?.value
      : undefined
  }
  expect(outcome.status).toBe('refused')
  expect(printed('redis://user:hid@den@h:1/2')).toBe('redis://user:********@h:1/2')
  expect(printed('redis://user:hid@den@h:1,redis://:a@b@h:2')).toBe('redis://user:********@h:1,redis://:********@h:2')
})
