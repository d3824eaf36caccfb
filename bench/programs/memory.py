"""Peak memory of a first sync launch in MB: URL, `flowlaunch` or `sdk`."""

import json
import resource
import sys

URL, WHO = sys.argv[1], sys.argv[2]
if WHO == "sdk":
    import PureCloudPlatformClientV2 as sdk

    sdk.configuration.host = URL
    api = sdk.ArchitectApi(sdk.api_client.ApiClient().get_client_credentials_token("demo", "demo-secret"))
    body = sdk.FlowExecutionLaunchRequest()
    body.flow_id = "f0000000-0000-4000-8000-000000000001"
    body.input_data = {"Flow.customerName": "Ada", "Flow.orderId": "4711"}
    assert api.post_flows_executions(body).id
elif WHO == "flowlaunch":
    from flowlaunch import Client

    with Client(URL, client_id="demo", client_secret="demo-secret") as client:
        assert client.launch("Order follow-up", {"customerName": "Ada", "orderId": "4711"}).id


def peak_mb():
    """Return this process's own peak; getrusage would count what was copied from the parent."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


print(json.dumps({"peak_mb": peak_mb()}))
