// Writes the table of README.md as xlsx, xlsb, xls and ods.
const fs = require("fs");
const XLSX = require("xlsx");

for (const type of ["xlsx", "xlsb", "biff8", "ods"]) {
  const rows = [["Школа", "Доля", "Дата", "Ошибка"], ["МАОУ СОШ № 1"], ["Гимназия «Ёлка»"]];
  const sheet = XLSX.utils.aoa_to_sheet(rows);
  Object.assign(sheet, {
    B2: { t: "n", v: 0.5, z: "0.00%" }, B3: { t: "n", v: 1, z: "0%" }, B4: { t: "n", v: 5, z: '0.0" %"' },
    B5: { t: "n", v: 0.25, f: "B2/2", z: "0.0%" },
    C2: { t: "n", v: 45177, z: "dd.mm.yyyy" }, C3: { t: "n", v: 45177.4375, z: "dd.mm.yyyy hh:mm" },
    C4: { t: "n", v: 255 / 24, z: "[h]:mm:ss" }, C5: { t: "n", v: 45178, f: "C2+1", z: "dd.mm.yyyy" },
    D2: { t: "e", v: 0x2a }, D3: { t: "e", v: 0x07, f: "1/0" }, D4: { t: "b", v: true },
    F2: { t: "s", v: "слито" },
    "!ref": "A1:G5",
    "!merges": [XLSX.utils.decode_range("F2:G3")],
    "!rows": [, , { hidden: true }],
    "!cols": [, , , { hidden: true, wch: 10 }],
  });
  const book = XLSX.utils.book_new();
  book.Workbook = { Sheets: [{ Hidden: 0 }, { Hidden: 1 }] };
  XLSX.utils.book_append_sheet(book, sheet, "Свод");
  XLSX.utils.book_append_sheet(book, XLSX.utils.aoa_to_sheet([[1]]), "Тайный");
  const name = `sheetjs.${type === "biff8" ? "xls" : type}`;
  fs.writeFileSync(name, XLSX.write(book, { bookType: type, type: "buffer", cellStyles: true }));
}
