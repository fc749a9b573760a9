# SPDX-License-Identifier: MIT
"""Jobs of other systems that a Python task waits for without a process.

    from ork_sdk import CustomHttp

    def main(url: str):
        return CustomHttp(url=url + "/jobs/7", status_field="state", success_value="done")

A function that returns one of these, or a list of them, hands the task over: its output is {"deferred": [...]}, with a
dict per job as `to_dict()` gives it. Inside a task `import ork_sdk` works by itself. Only the standard library.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, Optional

__all__ = ["BigQueryJob", "CloudRunJob", "CustomHttp", "DataprocJob"]


class _Job:
    service_type: ClassVar[str]

    def tracking_id(self) -> str:
        """What names the job where it runs; `job_id` unless one is given."""
        raise NotImplementedError

    def to_dict(self) -> Dict[str, Any]:
        out = {name: value for name, value in vars(self).items() if value is not None and value != {}}
        out["service_type"] = self.service_type
        out.setdefault("job_id", self.tracking_id())
        return out


@dataclass
class BigQueryJob(_Job):
    """A query or load job of BigQuery."""

    service_type: ClassVar[str] = "bigquery"
    project: str
    location: str
    job_id: str

    def tracking_id(self) -> str:
        return "/".join((self.project, self.location, self.job_id))


@dataclass
class CloudRunJob(_Job):
    """One execution of a Cloud Run job."""

    service_type: ClassVar[str] = "cloudrun"
    project: str
    region: str
    job_name: str
    execution_id: str
    job_id: Optional[str] = None

    def tracking_id(self) -> str:
        return "/".join((self.project, self.region, self.job_name, self.execution_id))


@dataclass
class DataprocJob(_Job):
    """A job of a Dataproc cluster."""

    service_type: ClassVar[str] = "dataproc"
    project: str
    region: str
    cluster_name: str
    job_id: str

    def tracking_id(self) -> str:
        return "/".join((self.project, self.region, self.cluster_name, self.job_id))


@dataclass
class CustomHttp(_Job):
    """Anything that tells by HTTP how it stands: JSON with a text at `status_field`."""

    service_type: ClassVar[str] = "custom_http"
    url: str
    method: str = "GET"
    headers: Dict[str, str] = field(default_factory=dict)
    status_field: str = "status"
    success_value: str = "success"
    failure_value: Optional[str] = None
    job_id: Optional[str] = None

    def __init__(self, url: str, method: str = "GET", headers: Optional[Dict[str, str]] = None,
                 status_field: str = "status", success_value: str = "success", failure_value: Optional[str] = None,
                 job_id: Optional[str] = None, completion_field: Optional[str] = None,
                 completion_value: Optional[str] = None):
        """`completion_field` and `completion_value` are older names of `status_field` and `success_value`."""
        self.url = url
        self.method = method
        self.headers = dict(headers or {})
        self.status_field = completion_field or status_field
        self.success_value = completion_value or success_value
        self.failure_value = failure_value
        self.job_id = job_id

    def tracking_id(self) -> str:
        return self.url
