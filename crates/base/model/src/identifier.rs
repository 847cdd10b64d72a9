//! The types of identifiers that recognition reports.

use crate::closed_set;

closed_set! {
    /// What kind of thing an identifier is. A finer kind is a `subtype`, never a replacement.
    IdentifierType, "identifier type", {
        /// A person's name or a part of it.
        Person = "PERSON",
        /// Street, city or whole postal address.
        Address = "ADDRESS",
        /// Postal or ZIP code.
        Postcode = "POSTCODE",
        /// A date tied to a person or event.
        Date = "DATE",
        /// An age of 90 or more (45 CFR 164.514(b)(2)(i)(C)).
        AgeOver89 = "AGE_OVER_89",
        /// Telephone number.
        Phone = "PHONE",
        /// Fax number.
        Fax = "FAX",
        /// E-mail address.
        Email = "EMAIL",
        /// Web address.
        Url = "URL",
        /// IPv4, IPv6 or MAC address.
        IpAddress = "IP_ADDRESS",
        /// United States Social Security number.
        UsSsn = "US_SSN",
        /// Medical record number.
        Mrn = "MRN",
        /// Health-plan beneficiary number.
        HealthPlanId = "HEALTH_PLAN_ID",
        /// Medicare Beneficiary Identifier.
        UsMbi = "US_MBI",
        /// National Provider Identifier.
        UsNpi = "US_NPI",
        /// Drug Enforcement Administration number.
        UsDea = "US_DEA",
        /// Account or customer number.
        Account = "ACCOUNT",
        /// International bank account number.
        Iban = "IBAN",
        /// Payment card number.
        CreditCard = "CREDIT_CARD",
        /// Certificate or licence number.
        Licence = "LICENCE",
        /// Vehicle identifier or plate.
        VehicleId = "VEHICLE_ID",
        /// Device identifier or serial number.
        DeviceId = "DEVICE_ID",
        /// Biometric template or measurement.
        Biometric = "BIOMETRIC",
        /// Full-face image or one comparable to it.
        FaceImage = "FACE_IMAGE",
        /// Passport number.
        Passport = "PASSPORT",
        /// National, tax or social-insurance number, with its country.
        NationalId = "NATIONAL_ID",
        /// Japanese Individual Number.
        JpMyNumber = "JP_MY_NUMBER",
        /// Japanese health-insurance insurer or insured-person number.
        JpHealthInsurance = "JP_HEALTH_INSURANCE",
        /// Japanese driving-licence number.
        JpDriverLicence = "JP_DRIVER_LICENCE",
        /// Japanese residence-card number.
        JpResidenceCard = "JP_RESIDENCE_CARD",
        /// Trial subject identifier.
        SubjectId = "SUBJECT_ID",
        /// Trial registration or protocol number.
        TrialId = "TRIAL_ID",
        /// Biological sample identifier.
        SampleId = "SAMPLE_ID",
        /// Diagnosis, coded or in words.
        Diagnosis = "DIAGNOSIS",
        /// Medication.
        Medication = "MEDICATION",
        /// Genetic variant or genotype.
        GeneticVariant = "GENETIC_VARIANT",
        /// Nucleotide or peptide sequence.
        Sequence = "SEQUENCE",
        /// Chemical structure as SMILES.
        Smiles = "SMILES",
        /// Chemical structure as `InChI`.
        Inchi = "INCHI",
        /// Hashed `InChI`.
        Inchikey = "INCHIKEY",
        /// CAS registry number.
        CasNumber = "CAS_NUMBER",
        /// Confidentiality mark.
        ConfidentialMark = "CONFIDENTIAL_MARK",
        /// Randomisation or treatment allocation.
        Unblinding = "UNBLINDING",
        /// Credential: key, token, password, connection string.
        Secret = "SECRET",
    }
}
