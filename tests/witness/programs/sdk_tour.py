"""The official SDK on a tour of a sandbox: argv is its URL; the report is one line of JSON."""

import json
import sys
import time
import urllib.parse
import urllib.request

import PureCloudPlatformClientV2 as sdk  # noqa: N813 - shorter
from PureCloudPlatformClientV2.rest import ApiException

URL = sys.argv[1]
ORDER = "f0000000-0000-4000-8000-000000000001"
ORDER_DATA = {"Flow.customerName": "Jane Doe", "Flow.orderId": "ORD-1", "Flow.priority": "high"}
REFUND = "f0000000-0000-4000-8000-000000000003"
PATIENCE_S = 20.0


def refusal(call, *args, **kwargs):
    """Give what an ApiException tells."""
    try:
        call(*args, **kwargs)
    except ApiException as error:
        body = json.loads(error.body) if error.body else {}
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        return {"status": error.status, "body": body, "correlation_id": headers.get("inin-correlation-id")}
    return None


def fields(schema):
    """List the variables of a schema; the SDK gives it as a model here and as it came there."""
    return sorted(schema["properties"] if isinstance(schema, dict) else schema.properties)


def signed_in(client_id):
    """Sign in as a client of the built-in world."""
    return sdk.ApiClient().get_client_credentials_token(client_id, f"{client_id}-secret")


def ended(architect, execution_id):
    """Read an execution until it has ended."""
    until = time.monotonic() + PATIENCE_S
    while True:
        execution = architect.get_flows_execution(execution_id)
        if execution.status != "RUNNING" or time.monotonic() > until:
            return execution
        time.sleep(0.02)


def run_of(architect, **body):
    """Launch and read to the end."""
    request = sdk.FlowExecutionLaunchRequest()
    for name, value in body.items():
        setattr(request, name, value)
    launched = architect.post_flows_executions(request)
    execution = ended(architect, launched.id)
    failure = execution.flow_error_info
    return {
        "launched": {
            "id": launched.id,
            "name": launched.name,
            "version": launched.flow_version.id,
            "uri": launched.self_uri,
        },
        "id": execution.id,
        "name": execution.name,
        "status": execution.status,
        "reason": execution.completion_reason,
        "outputs": execution.output_data,
        "took_no_negative_time": execution.date_completed >= execution.date_launched,
        "failure": None if failure is None else {"code": failure.code, "message": failure.message},
    }


def by_pkce():
    """Sign in as a person, with a code and a verifier that the SDK makes."""
    client = sdk.ApiClient()
    verifier = client.generate_pkce_code_verifier(64)
    query = {
        "client_id": "demo",
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1:9/back",
        "code_challenge": client.compute_pkce_code_challenge(verifier),
        "code_challenge_method": "S256",
    }

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_args):
            return None

    opener = urllib.request.build_opener(Stay)
    try:
        opener.open(f"{URL}/oauth/authorize?{urllib.parse.urlencode(query)}")
        where = ""
    except urllib.error.HTTPError as redirect:
        where = redirect.headers["location"]
        redirect.close()
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(where).query)["code"][0]
    client.get_pkce_token("demo", verifier, code, query["redirect_uri"])
    return sdk.TokensApi(client).get_tokens_me().o_auth_client.authorized_grant_type


def pages(architect):
    """List every flow, three a page."""
    names, uris, number = [], [], 1
    while True:
        page = architect.get_flows(page_size=3, page_number=number, sort_by="name")
        names += [flow.name for flow in page.entities]
        uris.append([page.self_uri, page.next_uri, page.first_uri, page.last_uri])
        if number >= page.page_count:
            return {"names": names, "uris": uris, "total": page.total, "page_count": page.page_count}
        number += 1


def main():
    sdk.configuration.host = URL
    client = signed_in("demo")
    architect, tokens = sdk.ArchitectApi(client), sdk.TokensApi(client)
    me = tokens.get_tokens_me()
    flow = architect.get_flow(ORDER)
    filtered = architect.get_flows(name="Order follow-up", include_schemas=True).entities
    versions = architect.get_flow_versions(ORDER)
    version = architect.get_flow_version(ORDER, versions.entities[0].id)
    views = architect.get_flows_divisionviews(name="Callback request", include_schemas=True)
    reader = sdk.ArchitectApi(signed_in("demo-readonly"))
    other = signed_in("demo")
    sdk.TokensApi(other).head_tokens_me()
    sdk.TokensApi(other).delete_tokens_me()
    stranger = sdk.ApiClient()
    stranger.access_token = "no-such-token"
    report = {
        "pages": pages(architect),
        "flow": {
            "name": flow.name,
            "type": flow.type,
            "division": flow.division.name,
            "published": flow.published_version.id,
            "inputs": fields(flow.input_schema),
            "required": flow.input_schema["required"],
            "outputs": fields(flow.output_schema),
        },
        "filtered": [[each.id, fields(each.input_schema)] for each in filtered],
        "looked_up": [each.name for each in architect.get_flows_lookup([ORDER]).entities],
        "versions": [each.id for each in versions.entities],
        "version": {"id": version.id, "inputs": fields(version.input_schema)},
        "configuration": architect.get_flow_latestconfiguration(ORDER)["name"],
        "views": [[view.name, view.division.name, view.published_version.id] for view in views.entities],
        "me": {"organization": me.organization.name, "client": me.o_auth_client.id},
        "pkce": by_pkce(),
        "limits": [each.key for each in sdk.OrganizationApi(client).get_organizations_limits_namespace(
            "platform.api").entities],
        "run": run_of(architect, flow_id=ORDER, input_data=ORDER_DATA, name="By the SDK"),
        "failed_run": run_of(architect, flow_id=REFUND, input_data={"Flow.orderId": "ORD-1"}),
        "dropped_keys": run_of(architect, flow_id=ORDER, input_data={**ORDER_DATA, "customer_name": "x"})["status"],
        "unknown_flow": refusal(architect.get_flow, "f0000000-0000-4000-8000-00000000ffff"),
        "unknown_launch": refusal(architect.post_flows_executions, {"flowId": "f0000000-0000-4000-8000-00000000ffff"}),
        "unknown_execution": refusal(architect.get_flows_execution, "f0000000-0000-4000-8000-00000000ffff"),
        "forbidden_launch": refusal(reader.post_flows_executions, {"flowId": ORDER, "inputData": ORDER_DATA}),
        "signed_out": refusal(sdk.TokensApi(other).get_tokens_me),
        "bad_token": refusal(sdk.TokensApi(stranger).get_tokens_me),
        "bad_secret": refusal(sdk.ApiClient().get_client_credentials_token, "demo", "wrong-secret"),
    }  # fmt: skip
    sys.stdout.write(json.dumps(report, default=str) + "\n")


main()
