//! Faults as S3 clients understand them.

use model::record::RecordError;
use s3s::{S3Error, S3ErrorCode, s3_error};
use store::StoreError;

use crate::ports::{GateError, InspectError, StorageError};

/// Something inside gives no answer. The cause is logged, not told.
fn unavailable(what: &str, error: &dyn std::error::Error) -> S3Error {
    tracing::error!(%error, cause = ?error.source().map(ToString::to_string), "{what}");
    S3Error::with_message(S3ErrorCode::ServiceUnavailable, format!("{what}; nothing was done, try again later"))
}

pub(crate) fn of_store(error: StoreError) -> S3Error {
    if error.is_reference_violation() {
        return s3_error!(NoSuchBucket, "the study was taken from behind the guard meanwhile");
    }
    unavailable("the catalogue of objects cannot be used", &error)
}

pub(crate) fn of_record(error: RecordError) -> S3Error {
    unavailable("the record cannot be kept, without which nothing is released or changed", &error)
}

pub(crate) fn of_gate(error: GateError) -> S3Error {
    unavailable("accounts and rules cannot be asked", &error)
}

pub(crate) fn of_inspection(error: InspectError) -> S3Error {
    unavailable("the object could not be inspected", &error)
}

pub(crate) fn of_storage(error: StorageError) -> S3Error {
    match error {
        StorageError::Altered => {
            tracing::error!("a stored object was altered");
            S3Error::with_message(S3ErrorCode::InternalError, StorageError::Altered.to_string())
        }
        StorageError::Erased => s3_error!(NoSuchKey, "its key was destroyed, so that nobody can open it any more"),
        StorageError::Full => {
            let mut error = S3Error::with_message(S3ErrorCode::InternalError, StorageError::Full.to_string());
            error.set_status_code(hyper::StatusCode::INSUFFICIENT_STORAGE);
            error
        }
        error @ StorageError::Unavailable(_) => unavailable("storage or its keys cannot be reached", &error),
    }
}

/// What reading a body ran into. The library's stream errors are private types, so that their names decide.
pub(crate) fn of_body(error: &(dyn std::error::Error + 'static)) -> S3Error {
    if let Some(broken) = error.downcast_ref::<crate::form::Broken>() {
        return broken.told();
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    if text.contains("Sha256Mismatch") {
        let mut error = S3Error::with_message(
            S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            "the body is not what `x-amz-content-sha256` says; send it again",
        );
        error.set_status_code(hyper::StatusCode::BAD_REQUEST);
        error
    } else if text.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch, "a chunk of the body is not what was signed; send it again")
    } else if text.contains("Incomplete") || text.contains("LengthMismatch") || text.contains("incomplete") {
        s3_error!(IncompleteBody, "the body has another length than was declared")
    } else if text.contains("FormatError") || text.contains("TooLarge") || text.contains("TooMany") {
        s3_error!(InvalidRequest, "the chunks of the body cannot be read")
    } else {
        s3_error!(IncompleteBody, "the connection ended before the body did")
    }
}
