DROP TABLE vault_receipts;
DROP TABLE vault_holds;
DROP TABLE vault_keys;
