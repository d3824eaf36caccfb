"""The door that one would put together: FastAPI, a Dramatiq queue on Redis, a key in Redis against repetitions.

Serve it with uvicorn; PEER_REDIS says where Redis is, which writes each command to the disk before it answers.
"""

import os
import uuid
from typing import Annotated

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from fastapi import FastAPI, Header, Response
from pydantic import BaseModel

broker = RedisBroker(url=os.environ["PEER_REDIS"], middleware=[])
dramatiq.set_broker(broker)
held = redis.Redis.from_url(os.environ["PEER_REDIS"])
app = FastAPI()


class Launch(BaseModel):
    flow: str
    input: dict[str, object]


@dramatiq.actor
def launch(launch_id, flow, given):
    raise NotImplementedError  # nobody works here: what is measured is accepting


@app.post("/v1/launches", status_code=202)
def accept(body: Launch, response: Response, idempotency_key: Annotated[str | None, Header()] = None):
    launch_id = uuid.uuid4().hex
    if idempotency_key is not None and not held.set(f"key:{idempotency_key}", launch_id, nx=True):
        return {"id": held.get(f"key:{idempotency_key}").decode()}
    launch.send(launch_id, body.flow, body.input)
    response.headers["location"] = f"/v1/launches/{launch_id}"
    return {"id": launch_id}
