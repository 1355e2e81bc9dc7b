"""`modelwire gateway` in front of annotated services of others, of which it knows what server reflection tells."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx
import pytest
from google.api import annotations_pb2
from google.iam.v1 import iam_policy_pb2_grpc
from google.longrunning import operations_pb2_grpc
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.routing.routes import RouteTable
from modelwire_gateway.sources.descriptors import services_in_image
from modelwire_gateway.sources.reflection import reflected_image
from support.foreign_services import (
    IAM_POLICY,
    OPERATIONS,
    WORKFLOW_SERVICE,
    IamPolicy,
    Operations,
    reflected,
    workflow_service,
)
from support.programs import running
from temporalio.api.workflowservice.v1 import service_pb2_grpc

ADDS: dict[str, Callable[[Any, grpc.Server], None]] = {
    OPERATIONS.full_name: operations_pb2_grpc.add_OperationsServicer_to_server,
    IAM_POLICY.full_name: iam_policy_pb2_grpc.add_IAMPolicyServicer_to_server,
    WORKFLOW_SERVICE.full_name: service_pb2_grpc.add_WorkflowServiceServicer_to_server,
}


@contextmanager
def fronted(servicer: Any, service: ServiceDescriptor) -> Iterator[httpx.Client]:
    """A client of `modelwire gateway` in front of `servicer`."""
    with (
        reflected(ADDS[service.full_name], servicer, service) as target,
        running("gateway", "--target", target, "--http-address", "127.0.0.1:0") as gateway,
        httpx.Client(base_url=gateway.url) as client,
    ):
        yield client


def test_operations_are_listed_read_cancelled_and_deleted() -> None:
    with fronted(Operations("operations/a/1", "operations/a/2", "operations/b"), OPERATIONS) as client:
        first = client.get("/v1/operations", params={"page_size": 2})
        rest = client.get("/v1/operations", params={"pageSize": 2, "pageToken": first.json()["nextPageToken"]})
        assert first.json() == {
            "operations": [{"name": "operations/a/1"}, {"name": "operations/a/2"}],
            "nextPageToken": "2",
        }
        assert rest.json() == {"operations": [{"name": "operations/b"}]}
        cancelled = client.post("/v1/operations/a/1:cancel", json={})
        assert (cancelled.status_code, cancelled.json()) == (200, {})
        assert client.get("/v1/operations/a/1").json() == {
            "name": "operations/a/1",
            "done": True,
            "error": {"code": 1, "message": "cancelled by the caller"},
        }
        assert client.delete("/v1/operations/a/1").json() == {}
        gone = client.get("/v1/operations/a/1")
        assert (gone.status_code, gone.json()["error"]["message"]) == (404, "no operation operations/a/1")
        # WaitOperation has no rule; a colon without a verb of that name is part of the operation's name.
        waited = client.post("/v1/operations/b:wait", json={})
        assert (waited.status_code, waited.headers["allow"]) == (405, "DELETE, GET")


def test_policies_are_set_read_and_tested() -> None:
    servicer = IamPolicy()
    policy = {"bindings": [{"role": "roles/read", "members": ["user:ann@example.org", "allUsers"]}]}
    with fronted(servicer, IAM_POLICY) as client:
        made = client.post("/v1/projects/p/topics/t:setIamPolicy", json={"policy": policy})
        assert (made.status_code, made.json()) == (200, {**policy, "etag": "/wEA"})
        assert list(servicer.policies) == ["projects/p/topics/t"]
        assert client.post("/v1/projects/p/topics/t:getIamPolicy", json={}).json() == made.json()
        stale = client.post("/v1/projects/p/topics/t:setIamPolicy", json={"policy": policy})
        assert (stale.status_code, stale.json()["error"]["status"]) == (409, "ABORTED")
        renewed = {**policy, "etag": "_wEA"}
        again = client.post("/v1/projects/p/topics/t:setIamPolicy", json={"policy": renewed, "updateMask": "bindings"})
        assert (again.status_code, again.json()["etag"]) == (200, "/wED")
        tested = client.post("/v1/projects/p/topics/t:testIamPermissions", json={"permissions": ["write", "read"]})
        assert tested.json() == {"permissions": ["read"]}
        assert client.get("/v1/projects/p/topics/t:getIamPolicy").status_code == 405


@pytest.mark.parametrize("prefix", ["/cluster", "/api/v1"])
def test_namespaces_are_registered_described_and_listed(prefix: str) -> None:
    made = {"namespace": "shop", "workflowExecutionRetentionPeriod": "259200.500s", "data": {"a": "1", "b": "2"}}
    described = {
        "namespaceInfo": {"name": "shop", "data": {"a": "1", "b": "2"}},
        "config": {"workflowExecutionRetentionTtl": "259200.500s"},
    }
    with fronted(workflow_service(), WORKFLOW_SERVICE) as client:
        assert client.post(f"{prefix}/namespaces", json=made).json() == {}
        assert client.post(f"{prefix}/namespaces", json=made).status_code == 409
        assert client.get(f"{prefix}/namespaces/shop").json() == described
        assert client.get(f"{prefix}/namespaces").json() == {"namespaces": [described]}
        assert client.get(f"{prefix}/namespaces/bank").status_code == 404


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_workflows_are_started_described_and_signalled(prefix: str) -> None:
    servicer = workflow_service()
    start = {
        "workflowType": {"name": "Sell"},
        "taskQueue": {"name": "till", "kind": "TASK_QUEUE_KIND_NORMAL"},
        "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IjUi"}]},
        "workflowRunTimeout": "3600s",
    }
    with fronted(servicer, WORKFLOW_SERVICE) as client:
        workflow = f"{prefix}/namespaces/shop/workflows/order%2F5"
        started = client.post(workflow, json=start)
        assert (started.status_code, started.json()) == (200, {"runId": "run of order/5", "started": True})
        kept = servicer.workflows["shop", "order/5"]
        assert (kept.input.payloads[0].data, kept.workflow_run_timeout.seconds) == (b'"5"', 3600)
        assert client.get(workflow, params={"execution.run_id": "r"}).json() == {
            "executionConfig": {"taskQueue": {"name": "till", "kind": "TASK_QUEUE_KIND_NORMAL"}},
            "workflowExecutionInfo": {
                "execution": {"workflowId": "order/5", "runId": "r"},
                "type": {"name": "Sell"},
                "status": "WORKFLOW_EXECUTION_STATUS_RUNNING",
                "historyLength": "9007199254740993",
            },
        }
        signalled = client.post(
            f"{workflow}/signal/paid", json={"identity": "bank", "workflowExecution": {"runId": "r"}}
        )
        assert signalled.json() == {}
    signal = servicer.signals[0]
    assert (signal.signal_name, signal.workflow_execution.workflow_id, signal.identity) == ("paid", "order/5", "bank")


def test_what_a_service_does_not_implement_is_501() -> None:
    with fronted(workflow_service(), WORKFLOW_SERVICE) as client:
        refused = client.get("/api/v1/namespaces/shop/workflow-count", params={"query": "all"})
        assert (refused.status_code, refused.json()["error"]["status"]) == (501, "UNIMPLEMENTED")
        assert client.get("/api/v1/nothing").status_code == 404


def rules(service: ServiceDescriptor) -> int:
    """How many ways to its methods the annotations of a service tell of."""
    annotated = (method.GetOptions().Extensions[annotations_pb2.http] for method in service.methods)
    return sum(1 + len(rule.additional_bindings) for rule in annotated if rule.WhichOneof("pattern"))


@pytest.mark.parametrize(
    ("servicer", "service", "least"),
    [(Operations(), OPERATIONS, 4), (IamPolicy(), IAM_POLICY, 3), (workflow_service(), WORKFLOW_SERVICE, 200)],
    ids=lambda value: getattr(value, "full_name", ""),
)
async def test_every_rule_becomes_a_route_without_a_complaint(
    servicer: Any, service: ServiceDescriptor, least: int
) -> None:
    with reflected(ADDS[service.full_name], servicer, service) as target:
        services = services_in_image(await reflected_image(target))
    assert [told.full_name for told in services] == [service.full_name]
    routes = RouteTable.from_services(services).routes
    assert len(routes) == rules(service) >= least
