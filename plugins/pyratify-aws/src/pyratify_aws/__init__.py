"""Amazon ECR's credentials and the public keys of AWS KMS for pyratify."""
