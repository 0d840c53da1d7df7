//! Rules beside the code that they find something in.

use std::collections::BTreeMap;
