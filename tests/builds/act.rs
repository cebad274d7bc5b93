//! The workflow as act runs it.
