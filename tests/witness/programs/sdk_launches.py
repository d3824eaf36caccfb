"""The official SDK, pointed at a sandbox by its gateway setting, launches a flow a few times.

argv: the sandbox's URL, then a name for each launch; the report, one line of JSON, tells what came of each.
"""

import json
import sys
import urllib.parse

import PureCloudPlatformClientV2 as sdk  # noqa: N813 - shorter

ORDER = "f0000000-0000-4000-8000-000000000001"


def main():
    where = urllib.parse.urlsplit(sys.argv[1])
    client = sdk.ApiClient()
    client.set_gateway(where.hostname, where.scheme, where.port, None, None)
    client.get_client_credentials_token("demo", "demo-secret")
    architect = sdk.ArchitectApi(client)
    report = {}
    for name in sys.argv[2:]:
        request = sdk.FlowExecutionLaunchRequest()
        request.flow_id = ORDER
        request.name = name
        request.input_data = {"Flow.customerName": "Jane Doe", "Flow.orderId": "ORD-1"}
        try:
            report[name] = architect.post_flows_executions(request).id
        except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
            report[name] = f"{type(error).__module__}.{type(error).__name__}"
    sys.stdout.write(json.dumps(report) + "\n")


main()
