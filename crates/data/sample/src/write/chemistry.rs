//! Structures: MOL and SDF (CTfile formats), PDB 3.3.

use std::fmt::Write as _;

use crate::random::Random;

/// An SDF record: a ring of carbons with one chain, and data items.
pub fn sdf_record(random: &mut Random, name: &str, data: &[(&str, String)]) -> String {
    let atoms = random.within(7..=14);
    let mut text = format!("{name}\n  AUR     0305260930 2D\n\n{atoms:3}{atoms:3}  0  0  0  0  0  0  0  0999 V2000\n");
    for atom in 0..atoms {
        let symbol = if atom < 6 { "C" } else { random.pick(&["C", "N", "O", "F"]) };
        let angle = f64::from(atom) * 1.047;
        let _ = writeln!(
            text,
            "{:10.4}{:10.4}{:10.4} {symbol:3} 0  0  0  0  0  0  0  0  0  0  0  0",
            angle.cos() * f64::from(1 + atom / 6),
            angle.sin() * f64::from(1 + atom / 6),
            0.0
        );
    }
    for atom in 1..=atoms {
        let (from, to) = if atom == 6 {
            (6, 1)
        } else if atom == atoms {
            (atoms, 5)
        } else {
            (atom, atom + 1)
        };
        let _ = writeln!(text, "{from:3}{to:3}{:3}  0", 1 + atom % 2);
    }
    text.push_str("M  END\n");
    for (key, value) in data {
        let _ = write!(text, "> <{key}>\n{value}\n\n");
    }
    text.push_str("$$$$\n");
    text
}

/// A protein model of one chain.
pub fn pdb(random: &mut Random, id: &str, author: &str, residues: usize) -> String {
    const NAMES: [&str; 12] = ["ALA", "GLY", "SER", "LEU", "VAL", "LYS", "ASP", "GLU", "PHE", "TYR", "ARG", "THR"];
    let mut text = format!(
        "HEADER    HYDROLASE                               05-MAR-26   {id}\nTITLE     AURELION TARGET 4 WITH INHIBITOR, NOT FOR RELEASE\nAUTHOR    {}\n",
        author.to_uppercase()
    );
    for residue in 1..=residues {
        let x = f64::from(random.within(0..=60_000)) / 1000.0;
        let y = f64::from(random.within(0..=60_000)) / 1000.0;
        let _ = writeln!(
            text,
            "ATOM  {residue:5}  CA  {} A{residue:4}    {x:8.3}{y:8.3}{:8.3}  1.00{:6.2}           C",
            random.pick(&NAMES),
            x / 2.0,
            f64::from(random.within(1000..=6000)) / 100.0
        );
    }
    text.push_str("END\n");
    text
}

/// A protein model as PDBx/mmCIF.
pub fn mmcif(random: &mut Random, id: &str, atoms: usize) -> String {
    let mut text = format!(
        "data_{id}\n_entry.id {id}\n_struct.title 'Aurelion complex with inhibitor, not for release'\nloop_\n_atom_site.group_PDB\n_atom_site.id\n_atom_site.type_symbol\n_atom_site.label_atom_id\n_atom_site.label_comp_id\n_atom_site.Cartn_x\n_atom_site.Cartn_y\n_atom_site.Cartn_z\n"
    );
    for atom in 1..=atoms {
        let mut place = || f64::from(random.within(0..=60_000)) / 1000.0;
        let (x, y, z) = (place(), place(), place());
        let _ = writeln!(text, "ATOM {atom} C CA ALA {x:.3} {y:.3} {z:.3}");
    }
    text.push_str("#\n");
    text
}
