/** The pages' icon: a hull with its ballast low. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<path d="M3 13h26c-1 9-6 15-13 15S4 22 3 13z" fill="#0b5394"/>
<circle cx="16" cy="21" r="4" fill="#fff"/>
</svg>
`;
