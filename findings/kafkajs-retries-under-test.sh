#!/usr/bin/env bash
# KafkaJS retries three times as often while NODE_ENV is `test`.
#
# One would expect: a client that is given no `retry` behaves in tests as it does in production.
#
# What happens: KafkaJS reads NODE_ENV when it is loaded. The documented defaults are 5 retries, the first after about
# 0.3 s, with pauses that double. While NODE_ENV is `test` there are 15, the first after about 0.05 s, never more than
# 1 s apart; its documentation does not say so. Jest and Vitest set NODE_ENV to `test` by themselves.
#
# Why it matters for a stream consumer: tests that stop a broker exercise a client that nobody runs. In production its
# pauses grow to seconds, so it comes back later after the same outage. A client that is always given `retry` behaves
# the same in both.
#
# Seen on 2026-11-30 with KafkaJS 2.2.4, Node 20.20.2 (24.21.0 is the same):
#
#   connections before it gives up: 6 where NODE_ENV is production, 16 where it is test
#
# Needs Node 20, npm. Exits with 1 if it is no longer so.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

echo '{ "private": true }' >package.json
npm install --loglevel=error --no-audit --no-fund --ignore-scripts kafkajs@2.2.4 >/dev/null
echo "KafkaJS $(node -p 'require("kafkajs/package.json").version'), Node $(node --version)"

# Counts the connections to something that takes each and ends it at once, until the client gives up.
cat >connections.cjs <<'JS'
const { createServer } = require('node:net')
const { Kafka, logLevel } = require('kafkajs')

let connections = 0
const server = createServer((socket) => {
  connections += 1
  socket.on('error', () => {}).destroy()
})
server.listen(0, '127.0.0.1', async () => {
  const brokers = [`127.0.0.1:${server.address().port}`]
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect().catch(() => {})
  console.log(connections)
  process.exit()
})
JS
production=$(NODE_ENV='production' node --no-warnings connections.cjs)
testing=$(NODE_ENV='test' node --no-warnings connections.cjs)
echo "connections before it gives up: $production where NODE_ENV is production, $testing where it is test"

if [ "$production" != 6 ] || [ "$testing" != 16 ]; then
  echo 'no longer as described' >&2
  exit 1
fi
