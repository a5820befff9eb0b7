"""The core of pyratify: values, interfaces and one verb, `Executor.validate`. Standard library only.

A reference goes in, a report comes out. The files, in the order in which a validation uses them; those with a star show the
whole in about 700 lines:

1. `reference.py`, `digest.py`: text becomes a `Reference`, here and nowhere else.
2. `engine.py`*, `scope.py`: `Engine.validate` finds, by `ScopeMap`, the executor whose scopes cover the reference.
3. `executor.py`*, `subject_validation.py`, `limits.py`, `deadline.py`: `Executor.validate` sets the deadline, runs the walk and lets
   the policy decide; from here on a fault becomes a part of the report and is not raised.
4. `store.py`*, `descriptor.py`: the interface `Store`. `resolve` turns a tag into a digest, once; `referrers` lists what is
   attached to it.
5. `walk.py`, `examine.py`, `lookahead.py`, `ordering.py`, `attachment.py`: examine referrers concurrently within a window, and report them in the store's order.
6. `content.py`, `manifest.py`, `strictjson.py`: untrusted bytes are bounded, compared with their descriptor and parsed strictly;
   large ones in a thread, one at a time, and few are in memory (`offload.py`, `large_documents.py`).
7. `verifier.py`*, `invoke.py`*, `isolation.py`: a `Verifier` returns `Details` or raises; `invoke` alone makes a result of that;
   `siblings.py`: what else is attached to the subject, for what one document says of another.
8. `policy.py`*, `decision.py`: the interface `PolicyEnforcer`: `wants` before the work, `settled` to stop early, `decide` at the end,
   in a thread and within a budget where it is expensive.
9. `report.py`, `errors.py`, `reason.py`: the `ValidationResult`; each refusal has a reason code (`reason_meanings.py`), a
   sentence and a remedy. `details.py`, `text.py` and `report_budget.py` bound and escape what it shows.

Beside the walk:

- Credentials that come with a question, as a Pod's: `credential_scope.py`; what is read with them is kept apart.
- Plugins: `plugin.py` finds and describes them, `credential.py` and `key.py` are the interfaces of the sources that stores and
  verifiers use, `key_source.py` reads keys again that may change, `shared_resources.py` holds what the plugins of one engine share.
- Image indexes: `platform_validation.py` validates the manifests that an index lists; `platform.py` and `platform_choice.py` say which,
  `index_reading.py` reads them, `listed_by.py` is what an index adds to a walk, and `platform_report.py` makes one result of theirs. `image_config.py` reads what images say of themselves.
- Caches: `caching.py` and `weigh.py` bound them by memory, `shared_verdicts.py` is the interface of those between processes,
  `fingerprint.py` tells which processes may share.
- Bounds: `work_limiter.py` and `pace.py` for the work of servers, `addresses.py` for the destinations of connections, `files.py` for files,
  `blocking.py` for libraries that block.
- `telemetry.py` and `instrumented.py` for metrics and traces, `clock.py` for time, `discovery.py` for `Engine.discover`,
  `version.py`; `protobuf.py` for messages of NRI and CEL; `dataclass.py` defines the classes of all packages.

Words, as the specifications use them:

- *Reference*: `registry/repository:tag` or `registry/repository@digest` (OCI distribution specification).
- *Descriptor*: media type, digest and size of content (OCI image specification).
- *Subject*: the artifact that something is attached to. *Referrer*: an artifact whose manifest names a subject, or that a cosign tag
  attaches to one.
- *Evidence*: a referrer offered for verification. *Details*: the facts of evidence that passed.
- *Outcome*: of one verifier on one referrer: PASSED, FAILED (the artifact's fault) or INCONCLUSIVE (the store's, the network's or a
  plugin's). Only PASSED counts.
- *Verdict*: a policy's decision, ALLOW, DENY or NONE, and why. *Report*: all that was found on the way to it.
- *Executor*: store, verifiers and policy for some scopes (Ratify v2). *Scope*: the repositories that a configuration covers.
- *Generation*: one state of a configuration; verdicts of another generation are not used.
"""
