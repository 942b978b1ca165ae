"""Writes what standard input asks for, with librdkafka, one batch after the other. foreign-producers.ts has the other side."""

import base64
import json
import sys

from confluent_kafka import Producer


def connect(task, write, name):
    config = {
        "bootstrap.servers": task["brokers"],
        "compression.type": write["codec"],
        # A flush sends at once; until then records gather, so that a write is one batch.
        "linger.ms": 5000,
        "message.max.bytes": 4_000_000,
    }
    if "end" in write:
        config["transactional.id"] = f"{task['transactional']}-{name}"
    producer = Producer(config)
    if "end" in write:
        producer.init_transactions()
    return producer


def send(producer, topic, write):
    failures = []
    if "end" in write:
        producer.begin_transaction()
    for record in write["records"]:
        producer.produce(
            topic,
            partition=write["partition"],
            key=decoded(record["key"]),
            value=decoded(record["value"]),
            headers=[(name, decoded(value)) for name, value in record["headers"]],
            timestamp=record["timestampMs"],
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
    producer.flush()
    if failures:
        sys.exit(str(failures[0]))
    if write.get("end") == "commit":
        producer.commit_transaction()
    if write.get("end") == "abort":
        producer.abort_transaction()


def decoded(text):
    return None if text is None else base64.b64decode(text)


def main():
    task = json.load(sys.stdin)
    producers = {}
    for write in task["writes"]:
        # One producer for each codec, and another one for its transactions.
        name = write["codec"] + ("-transactional" if "end" in write else "")
        if name not in producers:
            producers[name] = connect(task, write, name)
        send(producers[name], task["topic"], write)


main()
