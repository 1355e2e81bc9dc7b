"""Annotated services of others, as they ship in packages, with small behaviours in memory.

What is not written here answers UNIMPLEMENTED: the generated base classes see to that.
"""

# ruff: noqa: N802 - methods are named as in the .proto files

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.iam.v1 import iam_policy_pb2, iam_policy_pb2_grpc, policy_pb2
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.empty_pb2 import Empty
from grpc_reflection.v1alpha import reflection
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import request_response_pb2 as temporal
from temporalio.api.workflowservice.v1 import service_pb2, service_pb2_grpc

OPERATIONS: ServiceDescriptor = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
IAM_POLICY: ServiceDescriptor = iam_policy_pb2.DESCRIPTOR.services_by_name["IAMPolicy"]
WORKFLOW_SERVICE: ServiceDescriptor = service_pb2.DESCRIPTOR.services_by_name["WorkflowService"]


class Operations(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """google.longrunning.Operations; WaitOperation is there, but has no annotation."""

    def __init__(self, *names: str) -> None:
        self.operations = {name: operations_pb2.Operation(name=name) for name in names}

    def ListOperations(self, request: Any, _: Any) -> Any:
        names = sorted(name for name in self.operations if name.startswith(request.name))
        start = int(request.page_token or 0)
        end = start + (request.page_size or len(names))
        return operations_pb2.ListOperationsResponse(
            operations=[self.operations[name] for name in names[start:end]],
            next_page_token=str(end) if end < len(names) else "",
        )

    def GetOperation(self, request: Any, context: Any) -> Any:
        return self._found(request.name, context)

    def CancelOperation(self, request: Any, context: Any) -> Any:
        operation = self._found(request.name, context)
        operation.done = True
        operation.error.code, operation.error.message = 1, "cancelled by the caller"
        return Empty()

    def DeleteOperation(self, request: Any, context: Any) -> Any:
        del self.operations[self._found(request.name, context).name]
        return Empty()

    def _found(self, name: str, context: Any) -> Any:
        if name not in self.operations:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no operation {name}")
        return self.operations[name]


class IamPolicy(iam_policy_pb2_grpc.IAMPolicyServicer):  # type: ignore[misc]
    """google.iam.v1.IAMPolicy. A policy may be replaced by whoever knows its etag."""

    def __init__(self) -> None:
        self.policies: dict[str, policy_pb2.Policy] = {}

    def SetIamPolicy(self, request: Any, context: Any) -> Any:
        current = self.policies.get(request.resource, policy_pb2.Policy())
        if request.policy.etag != current.etag:
            context.abort(grpc.StatusCode.ABORTED, "the policy has changed since it was read")
        made = self.policies[request.resource] = policy_pb2.Policy()
        made.CopyFrom(request.policy)
        made.etag = bytes([255, len(self.policies), len(current.etag)])
        return made

    def GetIamPolicy(self, request: Any, _: Any) -> Any:
        return self.policies.get(request.resource, policy_pb2.Policy())

    def TestIamPermissions(self, request: Any, _: Any) -> Any:
        roles = [binding.role for binding in self.GetIamPolicy(request, None).bindings]
        granted = [permission for permission in request.permissions if f"roles/{permission}" in roles]
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=granted)


class WorkflowService(service_pb2_grpc.WorkflowServiceServicer):
    """temporal.api.workflowservice.v1.WorkflowService: namespaces, and workflows that are started and signalled."""

    def __init__(self) -> None:
        self.namespaces: dict[str, temporal.DescribeNamespaceResponse] = {}
        self.workflows: dict[tuple[str, str], temporal.StartWorkflowExecutionRequest] = {}
        self.signals: list[temporal.SignalWorkflowExecutionRequest] = []

    def RegisterNamespace(self, request: Any, context: Any) -> Any:
        if request.namespace in self.namespaces:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, "there is one of that name")
        made = self.namespaces[request.namespace] = temporal.DescribeNamespaceResponse()
        made.namespace_info.name = request.namespace
        made.namespace_info.data.update(request.data)
        made.config.workflow_execution_retention_ttl.CopyFrom(request.workflow_execution_retention_period)
        return temporal.RegisterNamespaceResponse()

    def DescribeNamespace(self, request: Any, context: Any) -> Any:
        if request.namespace not in self.namespaces:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no namespace {request.namespace}")
        return self.namespaces[request.namespace]

    def ListNamespaces(self, _: Any, __: Any) -> Any:
        return temporal.ListNamespacesResponse(namespaces=self.namespaces.values())

    def StartWorkflowExecution(self, request: Any, _: Any) -> Any:
        self.workflows[request.namespace, request.workflow_id] = request
        return temporal.StartWorkflowExecutionResponse(run_id=f"run of {request.workflow_id}", started=True)

    def DescribeWorkflowExecution(self, request: Any, context: Any) -> Any:
        started = self.workflows.get((request.namespace, request.execution.workflow_id))
        if started is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such workflow")
            raise AssertionError
        answer = temporal.DescribeWorkflowExecutionResponse()
        answer.execution_config.task_queue.CopyFrom(started.task_queue)
        answer.workflow_execution_info.execution.CopyFrom(request.execution)
        answer.workflow_execution_info.type.CopyFrom(started.workflow_type)
        answer.workflow_execution_info.status = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
        answer.workflow_execution_info.history_length = 2**53 + 1
        return answer

    def SignalWorkflowExecution(self, request: Any, _: Any) -> Any:
        self.signals.append(request)
        return temporal.SignalWorkflowExecutionResponse()


def workflow_service() -> WorkflowService:
    """One of those; its stubs call the base abstract, which at run time it is not."""
    return WorkflowService()  # type: ignore[abstract]


@contextmanager
def reflected(add: Callable[[Any, grpc.Server], None], servicer: Any, service: ServiceDescriptor) -> Iterator[str]:
    """Serves `servicer`, registered by `add`, with grpcio's own reflection; gives the address."""
    server = grpc.server(ThreadPoolExecutor(4))
    add(servicer, server)
    reflection.enable_server_reflection([service.full_name, reflection.SERVICE_NAME], server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
