"""Follows two timelines, through sseclient-py and through httpx-sse."""

import json

import httpx
import httpx_sse
import requests
import sseclient
from bench import tell


def with_sseclient(url, headers):
    """The status of a read, and its events with the delay that the stream asks for."""
    response = requests.get(url, headers=headers, stream=True, timeout=60)
    return response.status_code, sseclient.SSEClient(response).events()


def with_httpx(url, headers):
    """The status of a read, and its events with the delay that the stream asks for."""
    client = httpx.Client(timeout=60)
    response = client.send(client.build_request("GET", url, headers=headers), stream=True)
    return response.status_code, (httpx_sse.EventSource(response).iter_sse() if response.status_code == 200 else [])


for name, read in (("sseclient-py", with_sseclient), ("httpx-sse", with_httpx)):
    world = tell({"ask": "world"})
    url, last = f"{world['url']}/api/jobs/{world['drop']}/logs", None
    while True:
        headers = {"Authorization": world["reader"], "Accept": "text/event-stream"}
        status, events = read(url, headers | ({"Last-Event-ID": last} if last else {}))
        if status == 204:
            break
        assert status == 200, f"{name}: {status}"
        try:
            for event in events:
                last = event.id
                tell({"event": {"event": event.event, "id": event.id, "data": json.loads(event.data)}})
        except (requests.exceptions.ChunkedEncodingError, httpx.RemoteProtocolError):
            # The connection broke within an event. The next read begins after the last whole one.
            continue
    tell({"closed": status})
