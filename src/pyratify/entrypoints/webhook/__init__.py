"""The admission webhook: validates Pods and workloads, and pins their images, without Gatekeeper."""
