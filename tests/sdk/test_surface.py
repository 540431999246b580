"""The public names of the reference are all here, with the parameters that programs may use by name."""

from __future__ import annotations

import inspect

import pytest

import a3s_lsp as a3s
from a3s_lsp.sdk.named_options import NamedOptions

NAMES: dict[str, str] = {
    "Agent": "create refresh_mcp_tools resume_session session session_for_agent session_for_worker",
    "AgentDefinition": "confirmation_inheritance description hidden max_steps model name native prompt",
    "AgentEvent": (
        "data error error_kind error_kind_json event_type exit_code prompt text tool_id tool_name "
        "tool_output total_tokens turn verification_summary_json verification_summary_text"
    ),
    "AgentResult": (
        "completion_tokens failed_verification_count pending_verification_count prompt_tokens text "
        "tool_calls_count total_tokens verification_report_count verification_status "
        "verification_summary_json verification_summary_text"
    ),
    "AhpEventContext": "capabilities current_task memory_summary recent_facts session_stats",
    "AhpEventType": "",
    "ArtifactStoreLimits": "max_artifacts max_bytes",
    "AutoDelegationConfig": "auto_parallel enabled max_tasks min_confidence",
    "BrowserBackend": "Chrome Lightpanda",
    "ConfirmationPolicy": "default_timeout_ms enabled timeout_action yolo_lanes",
    "DefaultSecurityProvider": "",
    "EventStream": "",
    "EventType": (
        "CONFIRMATION_RECEIVED CONFIRMATION_REQUIRED CONFIRMATION_TIMEOUT END ERROR "
        "EXTERNAL_TASK_COMPLETED EXTERNAL_TASK_PENDING PERMISSION_DENIED START TEXT_DELTA TOOL_END "
        "TOOL_OUTPUT_DELTA TOOL_START TURN_END TURN_START"
    ),
    "Fact": "confidence content source",
    "FileMemoryStore": "dir",
    "FileSessionStore": "dir",
    "HeadlessConfig": "backend browser_path launch_args max_tabs proxy_url",
    "HttpTransport": "auth_token url",
    "IdleDecision": "get_reason is_allow is_defer",
    "IntentDetectionDecision": (
        "get_block_reason get_confidence get_detected_intent get_target_hints is_allow is_block"
    ),
    "IntentDetectionEvent": "language_hint prompt session_id workspace",
    "LocalWorkspaceBackend": "root",
    "MemorySessionStore": "",
    "MemorySummary": "memory_type recent_topics total_items",
    "PermissionPolicy": "allow ask default_decision deny enabled",
    "RemoteGitBackendConfig": (
        "base_url bearer_token client_cert_pem client_key_pem max_diff_bytes max_log_entries repo_id request_timeout_ms"
    ),
    "S3WorkspaceBackend": (
        "access_key_id bucket endpoint force_path_style max_grep_bytes_per_object max_objects_scanned "
        "max_read_bytes prefix region search_concurrency search_enabled secret_access_key session_token"
    ),
    "SearchConfig": "engine_names get_engine headless health set_engine timeout",
    "SearchEngineConfig": "enabled timeout weight",
    "SearchHealthConfig": "max_failures suspend_seconds",
    "Session": (
        "active_tools add_mcp add_mcp_server add_mcp_server_config bash cancel cancel_confirmations "
        "cancel_run clear_short_term clear_working close complete_external_task confirm_tool_use "
        "current_run dead_letters delegate_task edit_file get_artifact get_short_term get_working git "
        "git_command glob grep has_memory has_queue history hook_count init_warning list_commands ls "
        "mcp_status mcps memory_recent memory_stats parallel_task patch_file pending_confirmations "
        "pending_external_tasks program queue_metrics queue_stats read_file recall_by_tags "
        "recall_similar record_verification_reports register_agent_dir register_command register_hook "
        "register_worker_agent register_worker_agents remember_failure remember_success remove_mcp "
        "remove_mcp_server run run_events run_snapshot runs save send send_request send_with_attachments "
        "session_id set_lane_handler stream stream_request stream_with_attachments task tasks tool "
        "tool_definitions tool_names trace_events unregister_hook verification_presets "
        "verification_reports verification_summary verification_summary_text verify_commands web_search "
        "workspace write_file"
    ),
    "SessionOptions": (
        "add_instruction add_persona add_worker_agent agent_dirs ahp_transport artifact_store_limits "
        "auto_compact auto_compact_threshold auto_delegation auto_parallel auto_save builtin_skills "
        "circuit_breaker_threshold confirmation_policy continuation_enabled extra goal_tracking "
        "guidelines max_continuation_turns max_execution_time_ms max_parallel_tasks max_parse_retries "
        "max_tool_rounds memory_store model permission_policy planning planning_mode queue_config "
        "remote_git response_style role security_provider session_id session_store skill_dirs "
        "temperature thinking_budget tool_timeout_ms worker_agents workspace_backend"
    ),
    "SessionQueueConfig": (
        "enable_alerts enable_dlq enable_metrics query_max_concurrency set_execute_concurrency "
        "set_generate_concurrency set_lane_handler set_query_concurrency set_timeout with_lane_features"
    ),
    "SessionStats": "duration_ms error_count total_actions total_tokens",
    "SkillInfo": "description kind name",
    "StdioTransport": "args program",
    "TargetHints": "domain target_name target_type",
    "ToolResult": "error_kind error_kind_json exit_code metadata metadata_json name output",
    "UnixSocketTransport": "path",
    "WebSearchParams": "engines format limit proxy query timeout",
    "WebSocketTransport": "auth_token url",
    "WorkerAgentSpec": (
        "confirmation_inheritance custom description hidden implementer kind max_steps model name "
        "permissions planner prompt read_only reviewer verifier"
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_class_of_the_reference_is_here_with_all_that_it_has(name: str) -> None:
    kind = getattr(a3s, name)
    text = inspect.getsource(kind)
    known = {*dir(kind), *getattr(kind, "__annotations__", {})}
    assert [each for each in NAMES[name].split() if each not in known and f"self.{each}" not in text] == []


def test_the_functions_of_the_reference_are_here() -> None:
    assert [skill.name for skill in a3s.builtin_skills()]
    with pytest.raises(ValueError, match="Invalid verification summary"):
        a3s.format_verification_summary({})


@pytest.mark.parametrize(
    ("blocking", "other"), [(a3s.Session, a3s.AsyncSession), (a3s.Agent, a3s.AsyncAgent), (a3s.Review, a3s.AsyncReview)]
)
def test_both_faces_have_the_same_names_and_parameters(blocking: type, other: type) -> None:
    def names(kind: type) -> dict[str, list[str]]:
        found = {}
        for name, member in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                found[name] = list(inspect.signature(member).parameters)
        return found

    assert names(blocking) == names(other)


def test_options_by_name_are_the_options() -> None:
    attributes = {name for name in a3s.SessionOptions.__dataclass_fields__ if not name.startswith("_")}
    assert attributes == set(NamedOptions.__annotations__)


def test_everything_public_says_what_it_is() -> None:
    silent = []
    for name in a3s.__all__:
        kind = getattr(a3s, name)
        members = [] if not inspect.isclass(kind) else inspect.getmembers(kind, inspect.isfunction)
        silent += [name] if not inspect.getdoc(kind) else []
        silent += [f"{name}.{each}" for each, what in members if not each.startswith("_") and not inspect.getdoc(what)]
    assert silent == []
