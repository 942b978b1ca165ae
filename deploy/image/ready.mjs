// Ends with 0 if the node of this container is ready to serve: the container's health check.
const { METRICS_HOST: host = '127.0.0.1', METRICS_PORT: port = '9090' } = process.env
const ready = await fetch(`http://${host}:${port}/readyz`).then(
  (answer) => answer.ok,
  () => false,
)
process.exit(ready ? 0 : 1)
