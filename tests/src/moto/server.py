"""Serves moto on a free port, which it prints, until its input ends.

The first segment of the path of a request to DynamoDB is the account, so that each test has tables of its
own. With the argument `plain`, moto is as it was published. Otherwise it handles requests to DynamoDB one at
a time, copies less in a transaction, and keeps the checksum of an upload.
"""

import copy
import sys
from threading import Lock, Thread

import moto.s3.models  # noqa: F401
from moto.core.model_instances import model_data
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server


plain = "plain" in sys.argv


class Nothing(list):
    """A list that stays empty."""

    def append(self, _):
        pass


# Moto's dashboard keeps every item that ever existed, and every copy that a transaction makes of a table.
for service in ("dynamodb", "s3"):
    for model in model_data[service].values():
        model.instances_tracked = Nothing()


def keys(operations):
    """The primary keys of a transaction's items, in the table of the template."""
    for operation in operations:
        (body,) = operation.values()
        key = body.get("Key") or body.get("Item")
        yield DynamoType(key["pk"]), DynamoType(key["sk"])


def copy_touched(table, _):
    """A copy of a table that shares the items that the running transaction does not change.

    Moto copies the whole table once for each action of a transaction, which takes seconds for a large table.
    """
    other = copy.copy(table)
    other.items = table.items.copy()
    touched = list(keys(transaction))
    for hash_key in {hash_key for hash_key, _ in touched if hash_key in table.items}:
        other.items[hash_key] = dict(table.items[hash_key])
    for hash_key, range_key in touched:
        if range_key in other.items.get(hash_key, ()):
            other.items[hash_key][range_key] = copy.deepcopy(table.items[hash_key][range_key])
    return other


def transact_write_items(backend, operations):
    global transaction
    transaction = operations
    whole(backend, operations)


if not plain:
    transaction = []
    whole = DynamoDBBackend.transact_write_items
    DynamoDBBackend.transact_write_items = transact_write_items
    Table.__deepcopy__ = copy_touched


class Handler(MotoRequestHandler):
    def log_request(self, *_):
        pass


backends = DomainDispatcherApplication(create_backend_app)
one_at_a_time = Lock()


def application(environ, start_response):
    if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_"):
        if "HTTP_X_AMZ_CHECKSUM_SHA256" in environ and not plain:
            environ["HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"] = "SHA256"
        return backends(environ, start_response)
    account, _, rest = environ["PATH_INFO"].lstrip("/").partition("/")
    if account:
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        environ["PATH_INFO"] = "/" + rest
        environ["RAW_URI"] = environ["REQUEST_URI"] = "/" + rest
    if plain:
        return backends(environ, start_response)
    with one_at_a_time:
        return backends(environ, start_response)


server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)
Thread(target=server.serve_forever, daemon=True).start()
print("http://127.0.0.1:%d" % server.port, flush=True)
sys.stdin.read()
