// SPDX-License-Identifier: Apache-2.0
// Every metric, as data. docs/metrics.md is made of the same rows.
#include <stddef.h>

#include "daemon/metrics-internal.h"

const char *const metrics_label_names[METRICS_KINDS][METRICS_LABELS] = {
    [METRICS_BUILD] = {"version"},         [METRICS_LOG] = {"level"},
    [METRICS_SOURCE] = {"source"},         [METRICS_BUCKET] = {"source", "bucket"},
    [METRICS_OUTPUT] = {"output"},         [METRICS_TYPE] = {"output", "type"},
    [METRICS_PAIR] = {"source", "output"}, [METRICS_REQUESTS] = {"operation", "status"},
    [METRICS_CHALLENGES] = {"outcome"},    [METRICS_REFUSALS] = {"rule"},
};

#define COUNTER(metric, says) .family = {metric, METRICS_COUNTER, says}
#define GAUGE(metric, says) .family = {metric, METRICS_GAUGE, says}
#define OF(which, view, member) .kind = METRICS_##which, .at = offsetof(struct view, member)

const struct metrics_row metrics_rows[] = {
    // ---- the process; names as all of Prometheus's own clients have them
    {COUNTER("process_cpu_seconds_total", "CPU time that the process has used."),
     OF(PROCESS, process_view, stats.cpu_ms), AS_SECONDS},
    {GAUGE("process_resident_memory_bytes", "Memory that is in RAM."),
     OF(PROCESS, process_view, stats.resident_bytes), AS_KNOWN},
    {GAUGE("process_virtual_memory_bytes", "Address space that is in use."),
     OF(PROCESS, process_view, stats.virtual_bytes), AS_KNOWN},
    {GAUGE("process_open_fds", "Open file descriptors."), OF(PROCESS, process_view, stats.open_fds),
     AS_KNOWN},
    {GAUGE("process_max_fds", "File descriptors that may be open."),
     OF(PROCESS, process_view, stats.max_fds), AS_KNOWN},
    {GAUGE("process_start_time_seconds", "When the process began, in seconds since 1970."),
     OF(PROCESS, process_view, stats.started_ms), AS_INSTANT},
    {GAUGE("gatehouse_build_info", "The version that runs; always 1."),
     OF(BUILD, count_view, count), AS_COUNT},
    {COUNTER("gatehouse_log_messages_total", "Messages that the program has logged."),
     OF(LOG, count_view, count), AS_COUNT},
    {GAUGE("gatehouse_dead_letters_waiting",
           "Events in the state that an output could not take, or that could not be mapped; "
           "`gatehouse dead-letters` lists them."),
     OF(PROCESS, process_view, dead_letters), AS_KNOWN},

    // ---- sources
    {COUNTER("gatehouse_source_requests_total", "Requests for pages of the log."),
     OF(SOURCE, source_view, stats.requests), AS_COUNT},
    {COUNTER("gatehouse_source_pages_total", "Pages that brought at least one event."),
     OF(SOURCE, source_view, stats.pages), AS_COUNT},
    {COUNTER("gatehouse_source_events_total", "Events that came."),
     OF(SOURCE, source_view, stats.events), AS_COUNT},
    {COUNTER("gatehouse_source_undated_events_total",
             "Events whose `published` could not be read."),
     OF(SOURCE, source_view, stats.undated), AS_COUNT},
    {GAUGE(
         "gatehouse_source_lag_seconds",
         "How far the slowest output is behind Okta's clock; 0: all have everything; absent while "
         "one has had nothing yet."),
     OF(SOURCE, source_view, stats.lag_ms), AS_KNOWN_SECONDS},
    {GAUGE("gatehouse_source_caught_up", "1: every output stands at the end of the log."),
     OF(SOURCE, source_view, stats.caught_up), AS_FLAG},
    {GAUGE("gatehouse_source_failing",
           "1: something is wrong with asking this source; the log says what."),
     OF(SOURCE, source_view, failing), AS_FLAG},
    {GAUGE("gatehouse_source_stopped",
           "1: Okta refuses the credentials or the request; nothing more is asked until the "
           "settings are corrected."),
     OF(SOURCE, source_view, stats.stopped), AS_FLAG},
    {GAUGE(
         "gatehouse_source_last_event_timestamp_seconds",
         "`published` of the newest event that polling has brought to any output; history does not "
         "count."),
     OF(SOURCE, source_view, published_ms), AS_INSTANT},
    {GAUGE("gatehouse_source_last_page_timestamp_seconds",
           "When a page of this source was last delivered to any output."),
     OF(SOURCE, source_view, committed_ms), AS_INSTANT},
    {GAUGE("gatehouse_source_history_ratio",
           "Share of the history to be fetched that is done, 0 to 1; 1 too when there is none."),
     OF(SOURCE, source_view, history_share), AS_SHARE},
    {GAUGE("gatehouse_source_history_windows", "Windows of the history that are not done."),
     OF(SOURCE, source_view, history_windows), AS_COUNT},
    {GAUGE("gatehouse_source_history_events", "Events that windows of the history have brought."),
     OF(SOURCE, source_view, history_events), AS_COUNT},
    {GAUGE("gatehouse_source_history_left_seconds",
           "Estimated time until the history is done; absent while it is not known."),
     OF(SOURCE, source_view, history_left_ms), AS_KNOWN_SECONDS},

    // ---- Okta's rate limits; sources of one org share its budget, and show the same
    {GAUGE("gatehouse_rate_limit_requests",
           "Requests that Okta permits in a window; absent before its first answer in one."),
     OF(BUCKET, bucket_view, limit), AS_KNOWN},
    {GAUGE("gatehouse_rate_limit_used_requests",
           "Requests of the window that are used up, by everybody."),
     OF(BUCKET, bucket_view, used), AS_KNOWN},
    {GAUGE("gatehouse_rate_limit_early_limit",
           "`rate_limit_early_limit`: below 1 the share of the limit to use, else requests to "
           "leave to others."),
     OF(BUCKET, bucket_view, early_limit), AS_SHARE},
    {GAUGE("gatehouse_rate_limit_concurrency",
           "Requests that may be under way at once, in all buckets of the org together."),
     OF(BUCKET, bucket_view, concurrency), AS_COUNT},
    {COUNTER("gatehouse_rate_limit_refused_total", "Answers with status 429."),
     OF(BUCKET, bucket_view, refused), AS_COUNT},

    // ---- outputs
    {GAUGE("gatehouse_output_info", "The outputs and their types; always 1."),
     OF(TYPE, count_view, count), AS_COUNT},
    {GAUGE("gatehouse_output_up", "1: the output takes what it is given."),
     OF(OUTPUT, output_view, up), AS_FLAG},
    {GAUGE("gatehouse_output_stopped",
           "1: it is given nothing any more: another collector has taken over, or its reader is "
           "gone."),
     OF(OUTPUT, output_view, stats.stopped), AS_FLAG},
    {GAUGE("gatehouse_output_failing_since_timestamp_seconds",
           "Since when it fails; absent while it does not."),
     OF(OUTPUT, output_view, stats.failing_since_ms), AS_INSTANT},
    {GAUGE("gatehouse_output_last_success_timestamp_seconds",
           "When it last took documents, for certain; absent before the first time."),
     OF(OUTPUT, output_view, stats.last_success_ms), AS_INSTANT},
    {COUNTER("gatehouse_output_deliveries_total", "Pages that it was given, tries included."),
     OF(OUTPUT, output_view, stats.deliveries), AS_COUNT},
    {COUNTER("gatehouse_output_retries_total", "Tries that failed and are made again."),
     OF(OUTPUT, output_view, stats.retries), AS_COUNT},

    // ---- each output in each source
    {COUNTER("gatehouse_delivered_documents_total", "Documents that the output has taken."),
     OF(PAIR, pair_view, stats.delivered), AS_COUNT},
    {COUNTER("gatehouse_repeated_documents_total",
             "Documents that came again and were recognised as delivered."),
     OF(PAIR, pair_view, stats.repeated), AS_COUNT},
    {COUNTER("gatehouse_filtered_events_total", "Events that the output's `filter` leaves out."),
     OF(PAIR, pair_view, stats.filtered), AS_COUNT},
    {COUNTER("gatehouse_rejected_documents_total",
             "Documents that the output refused for good: dead letters."),
     OF(PAIR, pair_view, stats.rejected), AS_COUNT},
    {COUNTER("gatehouse_unmappable_events_total",
             "Events that no document could be made of: dead letters."),
     OF(PAIR, pair_view, stats.unmappable), AS_COUNT},
    {GAUGE("gatehouse_caught_up", "1: the output stands at the end of the log."),
     OF(PAIR, pair_view, stats.caught_up), AS_FLAG},
    {GAUGE("gatehouse_stopped", "1: the output gets nothing more of this source."),
     OF(PAIR, pair_view, stats.stopped), AS_FLAG},
    {GAUGE("gatehouse_lag_seconds",
           "How far it is behind Okta's clock; 0: it has everything; absent while it has had "
           "nothing yet."),
     OF(PAIR, pair_view, stats.lag_ms), AS_KNOWN_SECONDS},
    {GAUGE("gatehouse_position_timestamp_seconds",
           "`published` of the newest event that polling has brought it; absent before the first."),
     OF(PAIR, pair_view, stats.published_ms), AS_INSTANT},
    {GAUGE("gatehouse_last_commit_timestamp_seconds",
           "When its position was last written down; absent before the first time."),
     OF(PAIR, pair_view, stats.committed_ms), AS_INSTANT},
    {GAUGE("gatehouse_forgotten_in_seconds",
           "Until Okta, which keeps 90 days, forgets what the output has not had; absent while it "
           "has everything."),
     OF(PAIR, pair_view, stats.forgotten_in_ms), AS_KNOWN_SECONDS},

    // ---- the gate; absent where none is served
    {GAUGE("gatehouse_gate_initialized", "1: the gate has been initialised."),
     OF(GATE, gate_view, gate.initialized), AS_FLAG},
    {GAUGE("gatehouse_gate_sealed", "1: the gate is sealed and answers no request."),
     OF(GATE, gate_view, gate.sealed), AS_FLAG},
    {COUNTER("gatehouse_gate_requests_total", "Requests answered, by operation and status."),
     OF(REQUESTS, count_view, count), AS_COUNT},
    {COUNTER("gatehouse_gate_unaudited_requests_total",
             "Requests that were refused because they could not be audited."),
     OF(GATE, gate_view, gate.unaudited), AS_COUNT},
    {GAUGE("gatehouse_gate_tokens", "Tokens that are valid."), OF(GATE, gate_view, gate.tokens),
     AS_COUNT},
    {GAUGE("gatehouse_gate_entities", "Entities."), OF(GATE, gate_view, gate.entities), AS_COUNT},
    {GAUGE("gatehouse_audit_waiting_documents",
           "Audit documents that are not written into the state yet."),
     OF(GATE, gate_view, audit.waiting), AS_COUNT},
    {GAUGE("gatehouse_audit_waiting_bytes", "Their size."),
     OF(GATE, gate_view, audit.waiting_bytes), AS_COUNT},
    {GAUGE("gatehouse_audit_failing",
           "1: audit documents cannot be written, and requests are refused."),
     OF(GATE, gate_view, audit.failing), AS_FLAG},
    {COUNTER("gatehouse_audit_refused_documents_total",
             "Audit documents for which there was no room, or that could not be written."),
     OF(GATE, gate_view, audit.refused), AS_COUNT},
    {GAUGE("gatehouse_mfa_waiting_challenges", "Challenges that wait for a person or for Okta."),
     OF(GATE, gate_view, stepup.waiting), AS_COUNT},
    {COUNTER("gatehouse_mfa_pushes_total", "Pushes that were sent."),
     OF(GATE, gate_view, stepup.pushes), AS_COUNT},
    {COUNTER("gatehouse_mfa_challenges_total",
             "Challenges that have ended, or were refused before they began, by what came of "
             "them: `allowed`, or the reason (docs/mfa.md)."),
     OF(CHALLENGES, count_view, count), AS_COUNT},
    {COUNTER("gatehouse_mfa_guard_refusals_total",
             "Challenges that the guard refused, by its rule (docs/guard.md)."),
     OF(REFUSALS, count_view, count), AS_COUNT},
    {COUNTER("gatehouse_mfa_unlogged_pushes_total",
             "Pushes of which Okta's log had nothing to say within an hour."),
     OF(GATE, gate_view, stepup.unlogged), AS_COUNT},
};
const size_t metrics_row_count = LEN(metrics_rows);
_Static_assert(LEN(metrics_rows) <= METRICS_FAMILIES_MAX, "all in one text");
