package main

// Words that demo data is made of, apart by spaces. They are put together by chance and name nobody.
const (
	demoGivenNames = `Ada Aline Amir Anouk Aurel Beatriz Benoît Carla Chiara Claude Dario Elif Emil Enzo Fatou Flavia Gaël
		Greta Hugo Ines Ivo Jana Jonas Kofi Lea Lorenz Luana Maëlle Malik Mateo Mira Nadia Nils Noé Olga
		Oscar Pia Quentin Rahel Remo Salome Samir Selma Tamara Theo Ursina Vera Yann Zoë`
	demoSurnames = `Aebi Amsler Barras Bianchi Blanc Bonvin Brügger Caduff Carrel Conti Dubois Egger Favre Ferrari
		Fontana Frei Gerber Girard Graf Häberli Huber Imhof Jaquet Jost Keller Kunz Lambert Leone Lüthi
		Marti Mercier Moser Muñoz Nägeli Oberson Perrin Pellet Renaud Rossi Ruiz Schenk Senn Tanner Thoma
		Vidal Vogt Wyss Zaugg Zbinden`
	demoTrades = `Bakery Carpentry Consulting Dentists Electric Films Florists Foods Furniture Garage Gardens Hotels
		Insurance Jewellery Kitchens Legal Logistics Music Optics Painters Pharmacy Physiotherapy Printing
		Roofing School Software Sports Studio Tailors Tiles Tours Veterinary Vineyards Watches Wines`
	demoWords = `alder amber anchor aster birch boulder bramble brook cedar clover cobalt comet copper delta ember
		falcon fern finch glacier harbour hazel heron iris ivory juniper kestrel larch lilac linden maple
		marble meadow onyx orchard otter pebble pine quartz raven river saffron sparrow summit thistle tulip
		valley willow zephyr`
)
