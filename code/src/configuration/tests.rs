//! Tables of configurations as people write them, and what Terraform says of them.
