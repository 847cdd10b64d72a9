//! The ledger as the recorder of everybody else.

use std::sync::Arc;

use ledger::{Ledger, LedgerError};
use model::record::Receipt;
use model::{Answer, Event, Record, RecordError};

/// Records in the ledger.
pub struct Recorder(pub Arc<Ledger>);

impl Record for Recorder {
    fn record(&self, event: Event) -> Answer<'_, Result<Receipt, RecordError>> {
        Box::pin(async move {
            match self.0.append(event).await {
                Ok(receipt) => Ok(Receipt { index: receipt.index }),
                Err(LedgerError::Stopped { why }) => Err(RecordError::Refused { because: why.to_string() }),
                Err(error) => Err(RecordError::Failed { source: Box::new(error) }),
            }
        })
    }
}
